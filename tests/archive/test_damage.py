"""Archives that were edited: every forgery is found and named, by loading and by fsck."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.repository import Repository
from speciate.errors import DamageError
from speciate.records import State

Edit = Callable[[dict[str, bytes]], None]
FILES = ("recipe.json", "individual.json")


def _change(file: str, change: Callable[[dict[str, Any]], object]) -> Edit:
    def edit(files: dict[str, bytes]) -> None:
        data = json.loads(files[file])
        change(data)
        files[file] = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()

    return edit


def _score(change: Callable[[dict[str, Any]], object]) -> Edit:
    return _change("individual.json", lambda data: change(data["scores"]["sums"]))


def _header(commit: bytes) -> tuple[list[str], str]:
    head, message = commit.decode().split("\n\n", 1)
    return [line[7:] for line in head.splitlines() if line.startswith("parent")], message


def _rewrite(folder: Path, edit: Edit, parents: list[str] | None = None) -> str:
    """Replace the first individual of the last step, and the step; returns the individual's id."""
    repository = Repository(folder / ".git")
    head = repository.head()
    assert head is not None
    before, victim, *others = repository.steps(head)[-1][1]
    contents = repository.read([victim, *(f"{victim}:{name}" for name in FILES), head])
    raw, *files, step = [found[1] for found in contents if found]
    old, message = _header(raw)
    edited = dict(zip(FILES, files, strict=True))
    edit(edited)
    tree = repository.write(edited)
    forged = repository.commit(tree, old if parents is None else parents, message, 5)
    state = repository.read_one(f"{head}:state.json")
    config = repository.read_one(f"{head}:campaign.json")
    assert state and config
    tree = repository.write({"state.json": state[0], "campaign.json": config[0]})
    new = repository.commit(tree, [before, forged, *others], _header(step)[1], 5)
    repository.advance(new, head)
    return message.split("Individual: ")[1][:40]


EDITS: dict[str, tuple[Edit, str]] = {
    "recipe": (_change("recipe.json", lambda d: d["parameters"].update(density=0.9)), "was edited"),
    "recipe with another key": (_change("recipe.json", lambda d: d.update(more=1)), "was edited"),
    "recipe without seed": (_change("recipe.json", lambda d: d.pop("seed")), "damaged at seed"),
    "unknown fact": (_change("individual.json", lambda d: d.update(more=1)), "damaged at more"),
    "fitness": (_change("individual.json", lambda d: d.update(fitness="x")), "damaged at fitness"),
    "scores": (_score(lambda d: d.update(items="1")), "the mean of the items is not"),
    "no items": (_score(lambda d: d.update(items="")), "damaged: "),
    "items that are none": (_score(lambda d: d.update(items="1 x")), "could not convert"),
    "no scores": (_score(lambda d: d.pop("items")), "damaged at scores.sums.items"),
    "no recipe": (lambda files: files.pop("recipe.json") and None, "lacks an individual's files"),
    "not JSON": (lambda files: files.update({"recipe.json": b"{"}), "recipe.json of individual"),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edited_individual_is_found_and_named(campaign: Path, case: str) -> None:
    edit, complaint = EDITS[case]
    id_ = _rewrite(campaign, edit)
    archive = Archive.open(campaign)
    with pytest.raises(DamageError, match=complaint):
        list(archive.individuals.values())
    problems = archive.fsck()
    assert any(complaint in problem for problem in problems)
    assert all("; fetch the archive again" in problem for problem in problems)
    assert case == "no recipe" or id_[:10] in problems[0]


def test_an_individual_moved_to_other_parents_is_found(campaign: Path) -> None:
    id_ = _rewrite(campaign, lambda files: None, parents=[])
    complaint = f"individual {id_[:10]} .* does not descend from its recipe's parents"
    with pytest.raises(DamageError, match=complaint):
        Archive.open(campaign).steps()
    assert "does not descend" in Archive.open(campaign).fsck()[0]


def test_an_individual_under_another_name_is_found(campaign: Path) -> None:
    other = Archive.open(campaign)
    commit = other.commit_of(list(other.individuals)[-2])
    repository = Repository(campaign / ".git")

    def swap(files: dict[str, bytes]) -> None:
        for found, name in zip(repository.read(f"{commit}:{n}" for n in FILES), FILES, strict=True):
            assert found
            files[name] = found[1]

    id_ = _rewrite(campaign, swap)
    with pytest.raises(DamageError, match=f"{id_[:10]} .* recipe was edited or exchanged"):
        Archive.open(campaign).steps()


def test_members_whose_record_is_gone_are_found(campaign: Path) -> None:
    _rewrite(campaign, lambda files: None)  # writes a step without population/
    problems = Archive.open(campaign).fsck()
    assert len(problems) == 6
    assert all("is not what the commit of" in problem for problem in problems)


def test_a_spoilt_object_is_found(campaign: Path, git: Callable[..., str]) -> None:
    with Archive.open(campaign, writable=True) as archive:
        archive.commit_step(State(6), [])
    found = Repository(campaign / ".git").read_one(f"{archive.head}:state.json")
    assert found
    newest = max((campaign / ".git" / "objects" / "pack").glob("*.pack"), key=_modified)
    _spoil(newest, git(campaign, "verify-pack", "-v", str(newest)), found[0].oid)
    assert any(found[0].oid in problem for problem in archive.fsck())
    with pytest.raises(DamageError, match=r"git cannot read .*restore it from a copy"):
        Archive.open(campaign)


def _modified(path: Path) -> int:
    return path.stat().st_mtime_ns


def _spoil(pack: Path, listing: str, oid: str) -> None:
    """Write over an object, of which git tells where in the pack it lies."""
    [words] = [line.split() for line in listing.splitlines() if line.startswith(oid)]
    size, offset = int(words[3]), int(words[4])
    data = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(data[: offset + 4] + b"?" * (size - 4) + data[offset + size :])


def test_a_spoilt_main_is_found(campaign: Path) -> None:
    (campaign / ".git" / "refs" / "heads" / "main").write_text("f" * 40 + "\n")
    with pytest.raises(DamageError, match="main names no commit"):
        Archive.open(campaign)
