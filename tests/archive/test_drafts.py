"""Drafts and decisions: recorded beside a running campaign, by real identities, read with care."""

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Decision, Draft
from speciate.archive.repository import Node, Repository
from speciate.errors import ArchiveError, DamageError
from speciate.records import Origin, Parent, Recipe

Git = Callable[..., str]
ADA = "Ada Lovelace <ada@example.org>"
SOURCE = '''"""Keep the first."""


def merge(models, base, parameters, random):
    return models[0]
'''
HOSTILE = "good\n\nProposal: 99\x1b[2J\u202e\ud800"


def _identity(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, more: str = "") -> Path:
    file = folder / f"{name.split()[0]}.gitconfig"
    mail = f"{name.split()[0].lower()}@example.org"
    file.write_text(f"[user]\n\tname = {name}\n\temail = {mail}\n{more}")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    return file


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _identity(monkeypatch, tmp_path, "Ada Lovelace")


@pytest.fixture
def draft(campaign: Path) -> Draft:
    one = next(iter(Archive.open(campaign).individuals))
    recipe = Recipe("evolved", (Parent(one, "model"),), {"source": SOURCE, "values": {}}, 5)
    origin = Origin("coder@local/diff", "first", "7" * 64, 0.5)
    return Draft(3, recipe, "coder", "it is new", origin, "the code is new", {"passed": True}, 5)


def _decide(campaign: Path, number: int, verdict: str = "approve", reason: str = "") -> Decision:
    decision = Decision(number, verdict, reason, "")  # type: ignore[arg-type]
    return Archive.open(campaign).drafts.decide(decision)


def test_drafts_and_decisions_read_back(campaign: Path, draft: Draft, ada: None) -> None:
    drafts = Archive.open(campaign).drafts
    plain = replace(draft, number=1_000_000, origin=None, trials=None)
    plain = replace(plain, recipe=Recipe("ties", draft.recipe.parents, {"density": 0.5}, 1))
    for one in (plain, draft):
        drafts.put(one)
    assert drafts.all() == {3: draft, 1_000_000: plain}
    assert [one.kind for one in drafts.all().values()] == ["code", "recipe"]
    assert drafts.decisions() == {}
    edited = replace(plain.recipe, seed=2)
    given = Decision(1_000_000, "approve", "another seed", "", edited)
    assert drafts.waiting() == drafts.all()
    assert drafts.decide(given) == replace(given, reviewer=ADA)
    assert drafts.waiting() == {3: draft}
    assert drafts.decide(Decision(3, "reject", "too slow", "")).reviewer == ADA
    again = Archive.open(campaign)
    assert again.drafts.get(3) == draft
    assert again.drafts.waiting() == {}
    assert again.drafts.decision(3) == Decision(3, "reject", "too slow", ADA)
    assert again.drafts.decisions()[1_000_000] == replace(given, reviewer=ADA)
    assert again.fsck() == []
    for one in (draft, plain):
        assert Draft.from_json(json.loads(json.dumps(one.to_json()))) == one
    for decided in again.drafts.decisions().values():
        assert Decision.from_json(json.loads(json.dumps(decided.to_json()))) == decided


def test_stock_git_reads_them(campaign: Path, draft: Draft, ada: None, git: Git) -> None:
    Archive.open(campaign).drafts.put(draft)
    _decide(campaign, 3, "reject", "too slow")
    names = git(campaign, "ls-tree", "--name-only", "refs/proposals/000003").split()
    assert names == ["operator.py", "proposal.json", "recipe.json", "trials.json"]
    assert git(campaign, "show", "refs/proposals/000003:operator.py") == SOURCE.strip()
    shown = git(campaign, "log", "--format=%an <%ae>|%cn|%s", "refs/reviews/000003").splitlines()
    assert shown[0] == f"{ADA}|Ada Lovelace|proposal 3 rejected"
    assert shown[1].endswith(f"|proposal 3: evolved {draft.recipe.id[:10]}")
    message = git(campaign, "log", "-1", "--format=%B", "refs/proposals/000003")
    assert "\nprediction: 0.5000\nreason: it is new\nreview: the code is new\n" in message


def test_a_draft_put_twice_is_one_and_another_of_its_number_is_refused(
    campaign: Path, draft: Draft, git: Git
) -> None:
    drafts = Archive.open(campaign).drafts
    drafts.put(draft)
    first = git(campaign, "rev-parse", "refs/proposals/000003")
    drafts.put(draft)
    with pytest.raises(ArchiveError, match=r"proposal 3 cannot .*: there is another of this"):
        drafts.put(replace(draft, reason="another"))
    assert git(campaign, "rev-parse", "refs/proposals/000003") == first


def test_what_models_say_forges_nothing(campaign: Path, draft: Draft, ada: None, git: Git) -> None:
    origin = Origin(HOSTILE, HOSTILE, HOSTILE, 0.5)
    recipe = Recipe("evolved", (Parent(HOSTILE, HOSTILE),), {"source": HOSTILE}, 1)
    hostile = Draft(3, recipe, HOSTILE, HOSTILE, origin, HOSTILE, {HOSTILE: HOSTILE})
    drafts = Archive.open(campaign).drafts
    drafts.put(hostile)
    _decide(campaign, 3, reason=HOSTILE)
    assert drafts.get(3).reason == HOSTILE.replace("\ud800", "?")
    assert Archive.open(campaign).fsck() == []
    for ref in ("refs/proposals/000003", "refs/reviews/000003"):
        message = git(campaign, "log", "-1", "--format=%B", ref)
        assert all(line.isprintable() for line in message.split("\n"))
        assert git(campaign, "log", "-1", "--format=%(trailers:key=Proposal)", ref) == "Proposal: 3"


def test_the_second_reviewer_is_told_who_was_first(
    campaign: Path, draft: Draft, ada: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Archive.open(campaign).drafts.put(draft)
    _decide(campaign, 3)
    _identity(monkeypatch, tmp_path, "Bob Brown")
    with pytest.raises(ArchiveError, match="was approved already by Ada Lovelace <ada@"):
        _decide(campaign, 3, "reject", "no")
    assert Archive.open(campaign).drafts.decision(3) == Decision(3, "approve", "", ADA)


def test_of_many_who_decide_at_once_one_succeeds(campaign: Path, draft: Draft, ada: None) -> None:
    Archive.open(campaign).drafts.put(draft)

    def attempt(number: int) -> str:
        try:
            return _decide(campaign, 3, reason=f"reviewer {number}").reason
        except ArchiveError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(attempt, range(4)))
    decided = Archive.open(campaign).drafts.decision(3)
    assert decided and [one for one in said if "already" not in one] == [decided.reason]


def test_reviewing_works_beside_a_running_campaign(campaign: Path, draft: Draft, ada: None) -> None:
    with Archive.open(campaign, writable=True) as running:
        assert running.state is not None
        running.drafts.put(draft)
        head = running.head
        _decide(campaign, 3)
        assert running.drafts.decision(3) == Decision(3, "approve", "", ADA)
        running.commit_step(replace(running.state, step=6), [])
    assert Archive.open(campaign).head != head
    assert Archive.open(campaign).fsck() == []


def test_a_campaign_that_starts_lets_reviewers_finish(campaign: Path, draft: Draft) -> None:
    Archive.open(campaign).drafts.put(draft)
    locks = [campaign / ".git" / "refs" / "reviews" / f"00000{n}.lock" for n in (3, 4)]
    locks[0].parent.mkdir()
    for lock in locks:
        lock.touch()
    os.utime(locks[1], (0, 0))  # Of a reviewer who was killed long ago.
    Archive.open(campaign, writable=True).close()
    assert [lock.exists() for lock in locks] == [True, False]


def test_without_an_identity_nothing_is_decided(campaign: Path, draft: Draft) -> None:
    drafts = Archive.open(campaign).drafts
    drafts.put(draft)
    with pytest.raises(ArchiveError, match=r"does not know who you are \(.*\); set user.name and"):
        _decide(campaign, 3)
    assert drafts.decision(3) is None


def test_an_unknown_number_is_told(campaign: Path, draft: Draft, ada: None) -> None:
    Archive.open(campaign).drafts.put(draft)
    with pytest.raises(ArchiveError, match="has no proposal 4; `speciate review list` shows all"):
        _decide(campaign, 4)


def test_decisions_are_signed_where_git_signs_commits(
    campaign: Path, draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Git
) -> None:
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    _identity(
        monkeypatch,
        tmp_path,
        "Ada Lovelace",
        f"\tsigningkey = {key}.pub\n[commit]\n\tgpgsign = yes\n[gpg]\n\tformat = ssh\n"
        f'[gpg "ssh"]\n\tallowedSignersFile = {signers}\n',
    )
    Archive.open(campaign).drafts.put(draft)
    _decide(campaign, 3)
    git(campaign, "verify-commit", "refs/reviews/000003")
    assert Archive.open(campaign).drafts.decision(3) == Decision(3, "approve", "", ADA)
    Archive.open(campaign).drafts.put(replace(draft, number=4))
    key.unlink()
    with pytest.raises(ArchiveError, match="git cannot sign a commit in"):
        _decide(campaign, 4)
    assert Archive.open(campaign).drafts.decision(4) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gpg.ssh.program", "/tmp/evil"),
        ("gpg.program", "/tmp/evil"),
        ("include.path", "/tmp/evil"),
        ("includeIf.gitdir:/.path", "/tmp/evil"),
        ("extensions.worktreeConfig", "true"),
    ],
)
def test_a_folder_does_not_choose_the_program_that_signs(
    campaign: Path, draft: Draft, ada: None, git: Git, key: str, value: str
) -> None:
    drafts = Archive.open(campaign).drafts
    drafts.put(draft)
    git(campaign, "config", key, value)
    with pytest.raises(ArchiveError, match=r"/config sets .*; set it with `git config --global`"):
        _decide(campaign, 3)
    assert drafts.decision(3) is None


def test_a_folder_may_say_who_its_reviewer_is(
    campaign: Path, draft: Draft, ada: None, git: Git
) -> None:
    Archive.open(campaign).drafts.put(draft)
    git(campaign, "config", "user.name", "Ada at work")
    assert _decide(campaign, 3).reviewer == "Ada at work <ada@example.org>"


def test_hooks_of_a_folder_are_not_run(
    campaign: Path, draft: Draft, ada: None, tmp_path: Path
) -> None:
    for name in ("reference-transaction", "pre-commit", "post-commit", "commit-msg"):
        hook = campaign / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    Archive.open(campaign).drafts.put(draft)
    _decide(campaign, 3)
    assert not (tmp_path / "ran").exists()


def test_numbers_are_in_order_however_long(campaign: Path, draft: Draft) -> None:
    drafts = Archive.open(campaign).drafts
    for number in (1_000_000, 200_000, 3):
        drafts.put(replace(draft, number=number))
    assert list(drafts.all()) == list(drafts.waiting()) == [3, 200_000, 1_000_000]


def _forge(campaign: Path, ref: str, edit: Callable[[dict[str, bytes]], object]) -> None:
    """Puts another commit of the same parents under a ref, its files edited."""
    run = ["git", "-C", str(campaign)]
    shown = subprocess.run([*run, "ls-tree", "--name-only", ref], capture_output=True, check=True)
    names = shown.stdout.decode().split()
    repository = Repository(campaign / ".git")
    found = repository.read(f"{ref}:{name}" for name in names)
    files = {name: blob[1] for name, blob in zip(names, found, strict=True) if blob}
    edit(files)
    tree: Node = dict(files)
    above = subprocess.run([*run, "log", "-1", "--format=%P", ref], capture_output=True, check=True)
    parents = above.stdout.decode().split()
    commit = repository.commit(repository.write(tree), parents, "forged\n", 0)
    repository.flush()
    subprocess.run([*run, "update-ref", ref, commit], check=True)


def _json(file: str, **changes: object) -> Callable[[dict[str, bytes]], None]:
    def edit(files: dict[str, bytes]) -> None:
        data = json.loads(files[file]) | changes
        files[file] = f"{json.dumps(data, sort_keys=True, indent=1)}\n".encode()

    return edit


FORGERIES = {
    "another recipe": (_json("recipe.json", seed=6), "was edited"),
    "another source": (lambda files: files.update({"operator.py": b"x"}), "operator.py was edited"),
    "no source": (lambda files: files.pop("operator.py"), "operator.py was edited"),
    "another number": (_json("proposal.json", number=4), "holds proposal 4"),
    "a number as text": (_json("proposal.json", number="3"), "proposal.json was edited"),
    "an unknown fact": (_json("proposal.json", more=1), "damaged at more"),
    "a fact less": (_json("proposal.json", why=None), "damaged at why"),
    "another file": (lambda files: files.update({"x": b""}), "files that are not speciate's"),
    "no recipe": (lambda files: files.pop("recipe.json"), "lacks recipe.json"),
    "no JSON": (lambda files: files.update({"trials.json": b"{"}), "trials.json of .* is damaged"),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forged_draft_is_refused(campaign: Path, draft: Draft, case: str) -> None:
    drafts = Archive.open(campaign).drafts
    drafts.put(draft)
    edit, complaint = FORGERIES[case]
    _forge(campaign, "refs/proposals/000003", edit)
    with pytest.raises(DamageError, match=complaint):
        drafts.get(3)
    assert [line for line in Archive.open(campaign).fsck() if complaint[:6] in line]


def test_a_forged_decision_is_refused(campaign: Path, draft: Draft, ada: None, git: Git) -> None:
    drafts = Archive.open(campaign).drafts
    drafts.put(draft)
    drafts.put(replace(draft, number=4))
    _decide(campaign, 3, "reject", "no")
    review = "refs/reviews/000003"
    was = git(campaign, "rev-parse", review)
    for change, complaint in (
        ({"verdict": "maybe"}, "damaged at verdict"),
        ({"number": 4}, "decides of proposal 4"),
        ({"proposed": "0" * 40}, "was edited"),
        ({"id": "0" * 40}, "was edited"),
    ):
        _forge(campaign, review, _json("decision.json", **change))
        with pytest.raises(DamageError, match=complaint):
            drafts.decision(3)
        git(campaign, "update-ref", review, was)
    git(campaign, "update-ref", "refs/reviews/000004", was)
    with pytest.raises(DamageError, match="reviews/000004 does not follow on what it decides"):
        drafts.decisions()
    git(campaign, "update-ref", "-d", "refs/reviews/000004")
    git(campaign, "update-ref", "-d", "refs/proposals/000003")
    with pytest.raises(DamageError, match="decides of a proposal that is not there"):
        drafts.decisions()


@pytest.mark.parametrize("name", ["3", "0000003", "x", "00000a", "000003/1"])
def test_refs_that_are_no_proposals_are_refused(campaign: Path, git: Git, name: str) -> None:
    git(campaign, "update-ref", f"refs/proposals/{name}", "main")
    with pytest.raises(DamageError, match="refs/proposals/"):
        Archive.open(campaign).drafts.all()


def test_a_proposal_that_names_no_commit_is_refused(campaign: Path, git: Git) -> None:
    git(campaign, "update-ref", "refs/proposals/000003", "main:campaign.json")
    with pytest.raises(DamageError, match="names no commit"):
        Archive.open(campaign).drafts.all()
