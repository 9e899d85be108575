"""Archives through a bare repository on this disk; ssh and https only differ in the address."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.archive.drafts import Decision, Draft
from speciate.archive.sharing.pull import pull
from speciate.archive.sharing.push import push
from speciate.errors import ArchiveError
from speciate.records import Individual, Parent, Recipe, State

_SSH = """#!/bin/sh
while [ "${1#-}" != "$1" ] || [ "$1" = SendEnv=GIT_PROTOCOL ]; do shift; done
echo "$1" >> "$0.asked"
shift
eval "$*"
"""
Git = Callable[..., str]
Grow = Callable[[Path, int], str]


def _archive(folder: Path, name: str, steps: list[tuple[State, list[Individual]]]) -> Archive:
    with Archive.create(folder, {"name": name}) as archive:
        for state, born in steps:
            archive.commit_step(state, born)
    return archive


def test_a_pulled_archive_is_the_one_that_was_pushed(
    campaign: Path, remote: Path, tmp_path: Path
) -> None:
    archive = Archive.open(campaign)
    name = push(archive, str(remote)).name
    done = pull(tmp_path / "new" / "copy", str(remote))
    copy = Archive.open(tmp_path / "new" / "copy")
    assert (done.name, done.head, done.steps) == (name, archive.head, len(archive.steps()))
    assert copy.head == archive.head
    assert copy.individuals == archive.individuals
    assert [row.id for row in copy.index.rows()] == list(archive.individuals)
    assert copy.fsck() == []
    assert {path.name for path in copy.folder.iterdir()} <= {
        ".git",
        "lock",
        "index.sqlite",
        "index.sqlite-wal",
        "index.sqlite-shm",
    }
    assert not list(copy.folder.glob(".git/.wire-*"))


def test_two_campaigns_join_in_one_repository(
    remote: Path, tmp_path: Path, make_script: Callable[[int], Any], git: Git
) -> None:
    scripted = make_script(3)
    archives = [_archive(tmp_path / name, name, scripted) for name in ("north", "south")]
    names = [push(archive, str(remote)).name for archive in archives]
    assert [name.split("-")[0] for name in names] == ["north", "south"]
    for archive, name in zip(archives, names, strict=True):
        pull(tmp_path / f"copy of {name}", str(remote), name)
        assert Archive.open(tmp_path / f"copy of {name}").head == archive.head
    # The same founders, scored alike, are the same commits.
    founders = list(archives[0].individuals)[:4]
    assert {a.commit_of(founders[0]) for a in archives} == {archives[0].commit_of(founders[0])}
    assert len(git(remote, "log", "--format=%h", "--first-parent", "--branches").split()) == 8
    assert git(remote, "fsck", "--strict") == ""
    with pytest.raises(
        ArchiveError, match=f"several campaigns; give --campaign, one of {names[0]}"
    ):
        pull(tmp_path / "which", str(remote))
    assert not (tmp_path / "which").exists()
    with pytest.raises(ArchiveError, match="is another campaign than that of"):
        pull(archives[0].folder, str(remote), names[1])


def test_a_pull_goes_forward(
    campaign: Path, remote: Path, tmp_path: Path, grow: Grow, git: Git
) -> None:
    push(Archive.open(campaign), str(remote))
    copy = tmp_path / "copy"
    pull(copy, str(remote))
    assert pull(copy, str(remote)).steps == 0
    head = grow(campaign, 9)
    assert push(Archive.open(campaign), str(remote)).refs == 1
    assert push(Archive.open(campaign), str(remote)).refs == 0
    done = pull(copy, str(remote))
    assert (done.head, done.steps, done.ahead) == (head, 3, False)
    assert Archive.open(copy).head == head
    assert Archive.open(copy).fsck() == []
    assert git(copy, "fsck", "--strict") == ""
    assert grow(copy, 10) == grow(campaign, 10)
    assert pull(copy, str(remote)).ahead


def test_ways_that_parted_are_told_and_nothing_moves(
    campaign: Path, remote: Path, tmp_path: Path, grow: Grow
) -> None:
    push(Archive.open(campaign), str(remote))
    copy = tmp_path / "copy"
    pull(copy, str(remote))
    grow(campaign, 7)
    with Archive.open(copy, writable=True) as archive:
        assert archive.state
        archive.commit_step(State(6, 99, archive.state.members), [])
    head = archive.head
    push(Archive.open(campaign), str(remote))
    with pytest.raises(
        ArchiveError, match=r"went another way than .*; pull it into another folder"
    ):
        pull(copy, str(remote))
    assert Archive.open(copy).head == head
    with pytest.raises(ArchiveError, match=r"refused .*; pull first, or push --as another name"):
        push(Archive.open(copy), str(remote))
    assert push(Archive.open(copy), str(remote), "by-me").name == "by-me"
    pull(tmp_path / "other", str(remote), "by-me")
    assert Archive.open(tmp_path / "other").head == head


@pytest.fixture
def ada(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))


def test_proposals_and_reviews_travel(
    campaign: Path, remote: Path, tmp_path: Path, ada: None
) -> None:
    archive = Archive.open(campaign)
    parents = (Parent(next(iter(archive.individuals)), "model"),)
    for number in (3, 4):
        recipe = Recipe("ties", parents, {"density": 0.5}, number)
        archive.drafts.put(Draft(number, recipe, "somebody", "it is new", None, "all are", None, 5))
    archive.drafts.decide(Decision(3, "approve", "fine", ""))
    assert push(archive, str(remote)).refs == 4
    copy = tmp_path / "copy"
    pull(copy, str(remote))
    assert Archive.open(copy).drafts.all() == archive.drafts.all()
    assert Archive.open(copy).drafts.decisions() == archive.drafts.decisions()
    # Decided here one way, and there the other.
    archive.drafts.decide(Decision(4, "approve", "fine", ""))
    push(archive, str(remote))
    Archive.open(copy).drafts.decide(Decision(4, "reject", "no", ""))
    with pytest.raises(ArchiveError, match="another reviews/000004 than the archive"):
        pull(copy, str(remote))


def test_a_campaign_that_runs_is_pushed_but_not_pulled_into(campaign: Path, remote: Path) -> None:
    with Archive.open(campaign, writable=True) as running:
        assert push(Archive.open(campaign), str(remote)).head == running.head
        with pytest.raises(ArchiveError, match="is run by process"):
            pull(campaign, str(remote))


def test_folders_that_hold_something_else_are_left_alone(
    campaign: Path, remote: Path, tmp_path: Path
) -> None:
    push(Archive.open(campaign), str(remote))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("text")
    with pytest.raises(ArchiveError, match="is not empty and not an archive"):
        pull(tmp_path / "full", str(remote))
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_what_a_killed_pull_left_is_no_obstacle(
    campaign: Path, remote: Path, tmp_path: Path
) -> None:
    push(Archive.open(campaign), str(remote))
    left = tmp_path / "copy" / ".git.new"
    (left / ".wire-1" / "wire.git").mkdir(parents=True)
    (tmp_path / "copy" / "lock").touch()
    pull(tmp_path / "copy", str(remote))
    assert Archive.open(tmp_path / "copy").head == Archive.open(campaign).head
    (tmp_path / "copy" / ".git" / ".wire-2" / "wire.git").mkdir(parents=True)
    pull(tmp_path / "copy", str(remote))
    assert not list((tmp_path / "copy" / ".git").glob(".wire-*"))


def test_an_empty_remote_says_so(remote: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="has no campaigns; `speciate push` puts them there"):
        pull(tmp_path / "copy", str(remote))
    assert not (tmp_path / "copy").exists()


def test_over_ssh_the_same_happens(
    campaign: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ssh program is a script that does what a server would, on this machine."""
    script = tmp_path / "ssh"
    script.write_text(_SSH)
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    for address in (f"ada@site:{remote}", f"ssh://ada@site{remote}"):
        name = push(Archive.open(campaign), address).name
    pull(tmp_path / "copy", f"ada@site:{remote}", name)
    assert Archive.open(tmp_path / "copy").head == Archive.open(campaign).head
    assert set((tmp_path / "ssh.asked").read_text().split()) == {"ada@site"}


def test_stock_git_reads_what_was_pushed(campaign: Path, remote: Path, tmp_path: Path) -> None:
    name = push(Archive.open(campaign), str(remote)).name
    command = ["git", "clone", "--quiet", "--branch", f"campaigns/{name}", remote, tmp_path / "c"]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "c" / "state.json").is_file()
