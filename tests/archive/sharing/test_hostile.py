"""What a stranger's repository may hold: all of it is refused, and nothing of it is kept."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Draft
from speciate.archive.repository import Repository
from speciate.archive.sharing.address import address
from speciate.archive.sharing.limits import MIB, Limits
from speciate.archive.sharing.pull import pull
from speciate.archive.sharing.push import push
from speciate.errors import ArchiveError, SpeciateError
from speciate.records import Individual, Parent, Recipe, State

Attack = Callable[[Any], None]
"""Does something to a `Forge`."""


def _refused(folder: Path, remote: Path, limits: Limits | None = None) -> str:
    """The one line with which a pull into a new folder is refused that is not even made."""
    with pytest.raises(SpeciateError) as error:
        pull(folder, str(remote), limits=limits)
    line = str(error.value)
    assert line.isprintable()
    assert not folder.exists()
    return line


def _entry(name: bytes, mode: bytes = b"100644") -> Attack:
    """One more entry in an individual's tree."""

    def attack(forge: Any) -> None:
        extra = (mode, name, forge.blob(b"../../../../etc/passwd"))
        tree = forge.tree(sorted([*forge.entries(forge.victim), extra], key=lambda one: one[1]))
        forge.publish(forge.commit(forge.victim, tree))

    return attack


def _mode(mode: bytes) -> Attack:
    """Another mode for the recipe."""

    def attack(forge: Any) -> None:
        entries = forge.entries(forge.victim)
        tree = [(mode if name == b"recipe.json" else old, name, oid) for old, name, oid in entries]
        forge.publish(forge.commit(forge.victim, forge.tree(tree)))

    return attack


def _facts(**changes: object) -> Attack:
    """Other facts, written as speciate writes them."""

    def attack(forge: Any) -> None:
        facts = json.loads(forge.file("individual.json")) | changes
        data = json.dumps(facts, sort_keys=True, indent=1) + "\n"
        forge.publish(forge.with_files({"individual.json": data.encode()}))

    return attack


def _recipe(data: bytes) -> Attack:
    def attack(forge: Any) -> None:
        forge.publish(forge.with_files({"recipe.json": data}))

    return attack


def _message(old: str, new: str) -> Attack:
    """Another text of an individual's commit."""

    def attack(forge: Any) -> None:
        forge.publish(forge.commit(forge.victim, edit=lambda text: text.replace(old, new, 1)))

    return attack


def _step(old: str, new: str) -> Attack:
    """Another text of the step's commit."""
    return lambda forge: forge.publish(step=lambda text: text.replace(old, new, 1))


def _state(change: Callable[[dict[str, Any]], None]) -> Attack:
    def attack(forge: Any) -> None:
        tree = forge.entries(forge.head)
        state = json.loads(forge.run("show", f"{forge.head}:state.json"))
        change(state)
        blob = forge.blob((json.dumps(state, sort_keys=True, indent=1) + "\n").encode())
        new = [(m, n, blob if n == b"state.json" else oid) for m, n, oid in tree]
        commit = forge.commit(forge.head, forge.tree(new))
        forge.run("update-ref", forge.ref, commit)

    return attack


def _twice(forge: Any) -> None:
    """Somebody of the step before is born again."""
    earlier = forge.run("log", "-1", "--format=%P", forge.before).split()[1]
    forge.publish(earlier)


def _tag(forge: Any) -> None:
    forge.run("-c", "user.name=x", "-c", "user.email=x", "tag", "-am", "x", "t", forge.head)
    (forge.folder / forge.ref).write_text(forge.run("rev-parse", "refs/tags/t"))


ATTACKS: dict[str, tuple[Attack, str]] = {
    "path out of the folder": (_entry(b".."), "hasDotdot"),
    "a repository inside": (_entry(b".GIT"), "hasDotgit"),
    "a repository inside, for Windows": (_entry(b"git~1"), "hasDotgit"),
    "a path in a name": (_entry(b"../../x"), "fullPathname"),
    "submodules": (_entry(b".gitmodules"), "holds more than speciate writes"),
    "one more file": (_entry(b"setup.py"), "holds more than speciate writes"),
    "a name in other letters": (_entry(b"Recipe.json"), "holds more than speciate writes"),
    "a name twice": (_entry(b"recipe.json"), "duplicateEntries"),
    "a terminal code in a name": (_entry(b"\x1b[2Jx"), "holds more than speciate writes"),
    "a link beside": (_entry(b"link", b"120000"), "holds more than speciate writes"),
    "a link as the recipe": (_mode(b"120000"), "holds more than speciate writes"),
    "a program as the recipe": (_mode(b"100755"), "holds more than speciate writes"),
    "a submodule as the recipe": (_mode(b"160000"), "holds more than speciate writes"),
    "a digest that is a path": (_facts(digest="../../../etc"), "what is no digest"),
    "a digest of other signs": (_facts(digest="Z" * 64), "what is no digest"),
    "another digest than the message's": (_facts(digest="0" * 64), "holds more than speciate"),
    "one more fact": (_facts(id="0" * 40), "damaged at id"),
    "another id": (_message("Individual: 8", "Individual: 9"), "edited or exchanged"),
    "no step": (_facts(step="\x1b[31m"), "damaged at step"),
    "a mean that no items have": (_facts(fitness=9.0), "holds more than speciate writes"),
    "not finite": (_facts(fitness=float("nan")), "cannot be"),
    "beyond all numbers": (_recipe(b'{"seed": ' + b"9" * 9999 + b"}"), "is damaged"),
    "nested too deeply": (_recipe(b"[" * 99_999 + b"]" * 99_999), "is damaged"),
    "another recipe": (
        _recipe(b'{"operator":"x","parameters":{},"parents":[],"seed":1}'),
        "edited",
    ),
    "a terminal code in a message": (_message("proposer: ", "\x1b[2J: "), "holds more than"),
    "bytes that are no text": (_message("proposer: ", "\udcff: "), "holds more than"),
    "another author": (_message("author speciate", "author Mallory"), "holds more than"),
    "another date": (_message("+0000", "+0100"), "holds more than"),
    "a step by another author": (_step("author speciate", "author Mallory"), "holds more than"),
    "a step that praises another": (_step("best 0", "best 1"), "holds more than"),
    "a step that goes back": (_state(lambda s: s.update(step=1)), "is step 1 after step 4"),
    "a member that was never born": (
        _state(lambda s: s["members"].append("\x1b]0;x\x07")),
        "never born",
    ),
    "somebody born twice": (_twice, "is recorded already"),
    "a tag": (_tag, "non-commit object"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_speciate_would_not_write_is_refused(forge: Any, tmp_path: Path, attack: str) -> None:
    do, complaint = ATTACKS[attack]
    do(forge)
    assert complaint in _refused(tmp_path / "copy", forge.folder)


@pytest.mark.parametrize("attack", ["one more file", "another date", "somebody born twice"])
def test_an_archive_is_not_brought_forward_by_it(forge: Any, tmp_path: Path, attack: str) -> None:
    copy = tmp_path / "copy"
    pull(copy, str(forge.folder))
    forge.run("update-ref", forge.ref, forge.before)
    (tmp_path / "behind").mkdir()
    pull(tmp_path / "behind" / "copy", str(forge.folder))
    ATTACKS[attack][0](forge)
    before = Archive.open(tmp_path / "behind" / "copy").head
    packs = sorted((tmp_path / "behind/copy/.git/objects/pack").iterdir())
    with pytest.raises(SpeciateError, match=ATTACKS[attack][1]):
        pull(tmp_path / "behind" / "copy", str(forge.folder))
    assert Archive.open(tmp_path / "behind" / "copy").head == before
    assert sorted((tmp_path / "behind/copy/.git/objects/pack").iterdir()) == packs


def _lone(folder: Path, recipes: list[Recipe], remote: Path, digest: str | None = None) -> None:
    """Pushes a campaign in which these are born, by a speciate that believes in anything."""
    born = [Individual(recipe, digest, 0, "x", error="none") for recipe in recipes]
    with Archive.create(folder, {"name": "lone"}) as archive:
        archive.commit_step(State(0), born)
    push(archive, str(remote))


@pytest.mark.parametrize("name", ["../../x", "..", "", "a/b", "a\\b", "\x1b[2J", 7])
def test_founders_have_plain_names(tmp_path: Path, remote: Path, name: object) -> None:
    digest = "0" * 64
    founder = Recipe("founder", (), {"name": name, "digest": digest}, 0)
    _lone(tmp_path / "lone", [founder], remote, digest)
    assert "is no plain name" in _refused(tmp_path / "copy", remote)


def test_founders_have_the_digest_that_they_name(tmp_path: Path, remote: Path) -> None:
    founder = Recipe("founder", (), {"name": "x", "digest": "1" * 64}, 0)
    _lone(tmp_path / "lone", [founder], remote, "0" * 64)
    assert "no founder as speciate records them" in _refused(tmp_path / "copy", remote)


def test_what_code_made_comes_with_the_code(tmp_path: Path, remote: Path) -> None:
    _lone(tmp_path / "lone", [Recipe("evolved", (), {"source": 7}, 0)], remote)
    assert "source code that is missing" in _refused(tmp_path / "copy", remote)


def test_who_has_himself_as_an_ancestor_is_refused(forge: Any, tmp_path: Path) -> None:
    """An id is a hash of its parents' ids, so a circle needs a recipe of another id than its own:
    whoever is named is not born yet."""
    recipe = json.loads(forge.file("recipe.json"))
    old = Recipe.from_json(recipe).id
    recipe["parents"] = [{"id": old, "role": "model"}]
    new = Recipe.from_json(recipe).id
    data = json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()
    victim = forge.with_files({"recipe.json": data})
    forge.publish(
        forge.commit(victim, edit=lambda t: t.replace(f"Individual: {old}", f"Individual: {new}"))
    )
    assert "is not recorded" in _refused(tmp_path / "copy", forge.folder)


LIMITS = {
    "a large file": (Limits(largest=MIB), "holds a blob of 8 MiB"),
    "many objects": (Limits(objects=50), "more than 50 objects"),
    "much when unpacked": (Limits(total=MIB), "GiB when unpacked"),
    "many names": (Limits(refs=0), "more than 0 names"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_too_much_is_refused_before_it_is_read(
    forge: Any, tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight MiB of nothing are few bytes on the wire."""
    forge.publish(forge.with_files({"bomb": bytes(8 * MIB)}))
    limits, complaint = LIMITS[case]

    def read(*_: object) -> None:
        raise AssertionError("something was read")

    monkeypatch.setattr(Repository, "read", read)
    monkeypatch.setattr(Archive, "is_archive", lambda _: False)
    assert complaint in _refused(tmp_path / "copy", forge.folder, limits)


def test_a_transfer_without_end_is_cut(forge: Any, tmp_path: Path) -> None:
    forge.publish(forge.with_files({"noise": os.urandom(4 * MIB)}))
    _refused(tmp_path / "copy", forge.folder, Limits(transfer=MIB))
    assert not list(tmp_path.glob("**/.wire-*"))


@pytest.mark.parametrize("name", ["--upload-pack=x", "-x", "a b", "x.lock"])
def test_names_in_a_remote_are_no_options(
    campaign: Path, forge: Any, tmp_path: Path, name: str
) -> None:
    forge.run("update-ref", "-d", forge.ref)
    packed = forge.folder / "packed-refs"
    packed.write_text(f"{forge.head} refs/heads/campaigns/{name}\n")
    _refused(tmp_path / "copy", forge.folder)
    with pytest.raises(ArchiveError, match="cannot be a name in a repository"):
        push(Archive.open(campaign), str(forge.folder), name)


def test_proposals_are_checked_too(campaign: Path, remote: Path, tmp_path: Path) -> None:
    archive = Archive.open(campaign)
    recipe = Recipe("ties", (Parent(next(iter(archive.individuals)), "model"),), {}, 1)
    archive.drafts.put(Draft(3, recipe, "somebody", "it is new", None, "all are", None, 5))
    name = push(archive, str(remote)).name
    ref = f"refs/campaigns/{name}/proposals/000003"
    subprocess.run(["git", "-C", remote, "update-ref", f"{ref[:-1]}4", ref], check=True)
    assert "holds proposal 3" in _refused(tmp_path / "copy", remote)


ADDRESSES = [
    "ext::sh -c touch% /tmp/x",
    "ext::sh",
    "fd::17",
    "--upload-pack=touch x",
    "-oProxyCommand=touch x",
    "ssh://-oProxyCommand=x/path",
    "ssh://a@-oProxyCommand=x/path",
    "-x@host:path",
    "host:-path",
    "host::path",
    "http://host/path",
    "git://host/path",
    "ftp://host/path",
    "https://user:secret@host/path",
    "https://host/a b",
    "file://host/path",
    "ssh://host",
    "host:pa\x1bth",
    "host:path\nx",
    "",
]


@pytest.mark.parametrize("remote", ADDRESSES)
def test_addresses_that_could_start_something_are_refused(campaign: Path, remote: str) -> None:
    with pytest.raises(ArchiveError) as error:
        push(Archive.open(campaign), remote)
    assert "is no address" in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "remote",
    ["ada@site:a/b.git", "site:b", "ssh://ada@site:22/b", "ssh://[::1]/b", "https://site/b.git"],
)
def test_plain_addresses_are_taken_as_they_are(remote: str) -> None:
    assert address(remote) == remote


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-x").mkdir()
    monkeypatch.chdir(tmp_path)
    assert address("./-x") == str(tmp_path / "-x")
    assert address(f"file://{tmp_path}") == str(tmp_path)
    with pytest.raises(ArchiveError, match="no such folder; make it with `git init --bare"):
        address("nowhere")


HOOKS = (
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "pre-push",
)


def _plant(git: Path, mark: Path) -> None:
    """Hooks and settings that start a program, wherever git looks for any."""
    command = f"touch {mark}; false"
    (git / "hooks").mkdir(exist_ok=True)
    for name in (*HOOKS, "pre-auto-gc", "post-index-change", "proc-receive"):
        (git / "hooks" / name).write_text(f"#!/bin/sh\n{command}\n")
        (git / "hooks" / name).chmod(0o755)
    settings = {
        "core.hooksPath": str(git / "hooks"),
        "core.sshCommand": command,
        "core.fsmonitor": command,
        "core.alternateRefsCommand": command,
        "core.pager": command,
        "credential.helper": f"!{command}",
        "uploadpack.packObjectsHook": command,
        "gc.recentObjectsHook": command,
        "gc.auto": "1",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "evil",
        "remote.evil.promisor": "true",
        "remote.evil.url": f"ext::sh -c {command.replace(' ', '% ')}",
        "url.ext::sh -c touch.insteadOf": "/",
    }
    for name, value in settings.items():
        subprocess.run(["git", "--git-dir", git, "config", name, value], check=True)
    (git / "objects/info").mkdir(exist_ok=True)
    (git / "objects/info/alternates").write_text(f"{git}/objects\n")


def test_hooks_and_settings_of_a_copied_archive_are_not_obeyed(
    campaign: Path, remote: Path, tmp_path: Path
) -> None:
    push(Archive.open(campaign), str(remote))
    mark = tmp_path / "mark"
    _plant(campaign / ".git", mark)
    remote_as_named = f'[remote "{remote}"]\n\treceivepack = touch {mark}\n\turl = {remote}\n'
    with (campaign / ".git" / "config").open("a") as config:
        config.write(remote_as_named + f"\tuploadpack = touch {mark}\n")
    archive = Archive.open(campaign)
    assert not archive.fsck()
    assert archive.index.count() == len(archive.individuals)
    Repository(campaign / ".git").tidy()
    Repository(campaign / ".git").pack()
    push(Archive.open(campaign), str(remote))
    assert pull(campaign, str(remote)).steps == 0
    # What is missing is not looked for anywhere else.
    assert Repository(campaign / ".git").read_one("1" * 40) is None
    assert not mark.exists()


def test_hooks_and_settings_of_a_remote_folder_are_not_obeyed(
    campaign: Path, remote: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    _plant(remote, mark)
    push(Archive.open(campaign), str(remote))
    pull(tmp_path / "copy", str(remote))
    assert Archive.open(tmp_path / "copy").head == Archive.open(campaign).head
    assert not mark.exists()
    # The trap is armed: stock git falls into it.
    subprocess.run(
        ["git", "-C", campaign, "push", remote, "main:refs/heads/stock"], capture_output=True
    )
    assert mark.exists()
