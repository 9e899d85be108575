import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.errors import ArchiveError, DamageError
from speciate.records import Individual, Parent, Recipe, Score, State

Script = list[tuple[State, list[Individual]]]
Git = Callable[..., str]


def test_a_new_archive_holds_its_config_and_no_step(tmp_path: Path, config: dict[str, Any]) -> None:
    with Archive.create(tmp_path / "deep" / "new", config) as archive:
        assert archive.config == config
        assert archive.state is None
        assert archive.report is None
        assert dict(archive.individuals) == {}
        assert archive.steps() == []
        assert archive.fsck() == []


def test_what_was_committed_reads_back(campaign: Path, steps: Script) -> None:
    archive = Archive.open(campaign)
    born = [individual for _, several in steps for individual in several]
    assert list(archive.individuals.values()) == born
    assert list(archive.individuals) == [individual.id for individual in born]
    assert archive.state == steps[-1][0]
    assert archive.fsck() == []


def test_the_writer_sees_what_a_reader_sees(
    tmp_path: Path, steps: Script, config: dict[str, Any]
) -> None:
    writer = Archive.create(tmp_path / "x", config)
    for state, born in steps:
        writer.commit_step(state, born)
    reader = Archive.open(tmp_path / "x")
    assert reader.head == writer.head
    assert reader.steps() == writer.steps()
    assert reader.individuals == writer.individuals
    assert [reader.commit_of(id_) for id_ in reader.individuals] == [
        writer.commit_of(id_) for id_ in writer.individuals
    ]


def test_steps_in_figures(campaign: Path, steps: Script) -> None:
    archive = Archive.open(campaign)
    last = archive.steps()[-1]
    members = [archive.individuals[id_].fitness for id_ in steps[-1][0].members]
    assert (last.step, last.commit, last.members) == (5, archive.head, len(members))
    assert last.best == max(members)
    assert last.best_id is not None
    assert archive.individuals[last.best_id].fitness == last.best
    assert last.mean == pytest.approx(sum(members) / len(members))
    assert sum(step.failed for step in archive.steps()) == 4


def test_a_hostile_environment_changes_no_hash(
    campaign: Path,
    tmp_path: Path,
    steps: Script,
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "reference-transaction").chmod(0o755)
    (tmp_path / "gitconfig").write_text(
        "[user]\n name = Someone\n email = a@b\n[commit]\n gpgsign = true\n"
        f"[init]\n defaultBranch = trunk\n templateDir = {tmp_path}\n[core]\n hooksPath = {hooks}\n"
    )
    hostile = {
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_AUTHOR_DATE": "1999-01-01T00:00:00+0500",
        "GIT_COMMITTER_NAME": "Someone",
        "GIT_DIR": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_NAMESPACE": "elsewhere",
        "TZ": "Asia/Tokyo",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    with Archive.create(tmp_path / "other", config) as archive:
        for state, born in steps:
            head = archive.commit_step(state, born)
        assert archive.fsck() == []
    assert head == Archive.open(campaign).head
    monkeypatch.undo()
    time.tzset()


def test_a_resumed_campaign_has_the_same_hashes(
    campaign: Path, tmp_path: Path, steps: Script, config: dict[str, Any]
) -> None:
    Archive.create(tmp_path / "other", config).close()
    for state, born in steps:
        with Archive.open(tmp_path / "other", writable=True) as archive:
            archive.commit_step(state, born)
    assert Archive.open(tmp_path / "other").head == Archive.open(campaign).head


def test_records_that_json_would_change_resume_to_the_same_hash(
    tmp_path: Path, steps: Script, config: dict[str, Any]
) -> None:
    state, founders = steps[0]
    odd = replace(
        founders[0], recipe=Recipe("founder", (), {"shape": (1, 2)}, 0), reason="\ud800 no"
    )
    evaluation = replace(odd.evaluation, fitness=1, scores={"sums": Score("accuracy", (1, 1))})
    odd = replace(odd, evaluation=evaluation)
    state = replace(state, members=(odd.id,))
    heads = []
    for name, resumed in (("once", False), ("twice", True)):
        archive = Archive.create(tmp_path / name, config)
        archive.commit_step(state, [odd])
        if resumed:
            archive.close()
            archive = Archive.open(tmp_path / name, writable=True)
        heads.append(archive.commit_step(replace(state, step=1), []))
        assert archive.fsck() == []
        assert archive.individuals == Archive.open(tmp_path / name).individuals
    assert heads[0] == heads[1]


def test_readers_see_new_steps_after_a_refresh(
    tmp_path: Path, steps: Script, config: dict[str, Any]
) -> None:
    writer = Archive.create(tmp_path / "x", config)
    writer.commit_step(*steps[0])
    reader = Archive.open(tmp_path / "x")
    assert len(reader.individuals) == 4
    for state, born in steps[1:]:
        writer.commit_step(state, born)
    assert (len(reader.individuals), len(reader.steps())) == (4, 1)
    reader.refresh()
    assert list(reader.individuals) == list(writer.individuals)
    assert reader.steps() == writer.steps()


def test_the_last_step_may_carry_a_report(campaign: Path, steps: Script, git: Git) -> None:
    with Archive.open(campaign, writable=True) as archive:
        archive.commit_step(steps[-1][0], [], {"champion": "3f2a"})
        assert archive.report == {"champion": "3f2a"}
    assert Archive.open(campaign).report == {"champion": "3f2a"}
    assert json.loads(git(campaign, "show", "main:report.json")) == {"champion": "3f2a"}


def test_parents_may_be_born_in_the_same_step(tmp_path: Path, steps: Script) -> None:
    founder = steps[0][1][0]
    child = Recipe("noise", (Parent(founder.id, "model"), Parent(founder.id, "model")), {}, 1)
    born = [founder, replace(founder, recipe=child)]
    with Archive.create(tmp_path / "x", {}) as archive:
        archive.commit_step(State(0, 2, (child.id,)), born)
        assert archive.fsck() == []


def test_a_step_without_members(tmp_path: Path, git: Git) -> None:
    failed = Individual(Recipe("founder", (), {}, 0), None, 0, "config", error="no such file")
    with Archive.create(tmp_path / "x", {}) as archive:
        archive.commit_step(State(), [failed])
        assert archive.steps()[0].best is None
    subject = git(tmp_path / "x", "log", "-1", "--format=%s", "main")
    assert subject == "step 0: no members, 1 born, 1 failed"


def test_steps_that_do_not_follow_are_refused(campaign: Path, steps: Script) -> None:
    state, born = steps[-1]
    stranger = Recipe("ties", (Parent("0" * 40, "base"),), {}, 1)
    with Archive.open(campaign, writable=True) as archive:
        head = archive.head
        with pytest.raises(ArchiveError, match="step 0 comes after step 5"):
            archive.commit_step(steps[0][0], [])
        with pytest.raises(ArchiveError, match="recorded already"):
            archive.commit_step(state, born)
        with pytest.raises(ArchiveError, match=r"parent '0000.* is not recorded"):
            archive.commit_step(state, [replace(born[0], recipe=stranger)])
        with pytest.raises(ArchiveError, match=r"member 'ffff.* was not born"):
            archive.commit_step(replace(state, members=("f" * 40,)), [])
        assert Archive.open(campaign).head == archive.head == head
        assert archive.fsck() == []
    with pytest.raises(ArchiveError, match="open it with writable=True"):
        archive.commit_step(state, [])


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, steps: Script) -> None:
    state, founders = steps[0]
    evaluation = replace(founders[0].evaluation, scores={"sums": Score("x", (float("nan"),))})
    with Archive.create(tmp_path / "x", {}) as archive:
        with pytest.raises(ArchiveError, match="cannot be recorded: Out of range"):
            archive.commit_step(state, [replace(founders[0], evaluation=evaluation)])
        assert archive.state is None


def test_create_refuses_what_it_would_spoil(campaign: Path, tmp_path: Path, git: Git) -> None:
    with pytest.raises(ArchiveError, match="holds a campaign already"):
        Archive.create(campaign, {})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ArchiveError, match="not empty and not an archive"):
        Archive.create(tmp_path / "full", {})
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    (tmp_path / "code").mkdir()
    git(tmp_path / "code", "init")
    with pytest.raises(ArchiveError, match="not empty and not an archive"):
        Archive.create(tmp_path / "code", {})
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="cannot use"):
        Archive.create(tmp_path / "file", {})
    with pytest.raises(ArchiveError, match="the config cannot be recorded"):
        Archive.create(tmp_path / "new", {"path": tmp_path})
    assert not (tmp_path / "new").exists()


def test_open_refuses_what_is_no_archive(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--initial-branch=main")
    for folder in (tmp_path, tmp_path / "missing"):
        assert not Archive.is_archive(folder)
        with pytest.raises(ArchiveError, match="is not an archive; start a campaign with"):
            Archive.open(folder)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    git(tmp_path, *identity, "commit", "--allow-empty", "-m", "thesis")
    assert not Archive.is_archive(tmp_path)


def test_a_killed_create_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / ".git.new" / "objects").mkdir(parents=True)
    with Archive.create(tmp_path, {}) as archive:
        assert archive.fsck() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "lock"]


def test_what_killed_processes_left_is_cleared(campaign: Path, steps: Script) -> None:
    left = ["refs/heads/main.lock", "packed-refs.lock", "objects/pack/tmp_pack_1"]
    for name in left:
        (campaign / ".git" / name).touch()
    assert Archive.open(campaign).state == steps[-1][0]
    with Archive.open(campaign, writable=True) as archive:
        archive.commit_step(replace(steps[-1][0], step=9), [])
    assert not any((campaign / ".git" / name).exists() for name in left)


def test_a_pack_without_its_index_is_not_minded(campaign: Path, steps: Script) -> None:
    (campaign / ".git" / "objects" / "pack" / f"pack-{'0' * 40}.pack").write_bytes(b"half a pack")
    with Archive.open(campaign, writable=True) as archive:
        archive.commit_step(replace(steps[-1][0], step=64), [])
        assert archive.fsck() == []


def test_a_writer_does_not_mind_packing(campaign: Path, steps: Script, git: Git) -> None:
    archive = Archive.open(campaign, writable=True)
    archive.commit_step(replace(steps[-1][0], step=63), [])
    git(campaign, "gc", "--quiet")
    assert len(archive.individuals) == 24
    archive.commit_step(replace(steps[-1][0], step=64), [])
    assert archive.fsck() == []


def test_founder_paths_are_kept_beside_the_archive(campaign: Path, tmp_path: Path) -> None:
    archive = Archive.open(campaign)
    assert archive.founder_paths == {}
    archive.set_founder_paths({"zoo-0": tmp_path / "zoo-0", "zoo-1": Path("zoo-1")})
    assert archive.founder_paths == {"zoo-0": tmp_path / "zoo-0", "zoo-1": Path("zoo-1").absolute()}
    assert not list(campaign.glob(".local*"))
    (campaign / "local.json").write_text("{")
    with pytest.raises(DamageError, match="correct it or delete it"):
        _ = archive.founder_paths


def test_individuals_by_the_first_digits(campaign: Path) -> None:
    archive = Archive.open(campaign)
    for id_ in archive.individuals:
        assert archive.resolve(id_[:10].upper()) == id_
        assert archive.resolve(archive.commit_of(id_)[:12]) == id_
    with pytest.raises(ArchiveError, match="has no individual"):
        archive.commit_of("f" * 40)
