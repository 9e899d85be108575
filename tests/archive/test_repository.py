from pathlib import Path

import pytest

from speciate.archive.archive import Archive
from speciate.archive.repository import Repository
from speciate.errors import ArchiveError, DamageError


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "x" / ".git")


def test_folders_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (Path("x"), Path("y") / "z", Path("..") / tmp_path.name / "w"):
        with Archive.create(folder, {"name": "relative"}) as archive:
            assert archive.fsck() == []
        assert Archive.open(folder).config == {"name": "relative"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w", "x", "y"]


def test_trees_are_those_of_git(repository: Repository) -> None:
    stored = repository.write(b"stored")
    tree = repository.write(
        {"b": b"1", "b.c": stored, "a": {"z": b""}, "b0": {}, "b-": {"y": b"2"}}
    )
    repository.advance(repository.commit(tree, (), "message\n", 0), None)
    assert repository.fsck() == []
    found = repository.read_one("main:b.c")
    assert found == (stored, b"stored")


def test_many_objects_are_read_in_order(repository: Repository) -> None:
    blobs = [repository.write(b"\n" * size + b"missing\n") for size in range(2000)]
    names = [blob.oid for blob in blobs]
    names.insert(1000, "f" * 40)
    found = list(repository.read(names))
    assert found.pop(1000) is None
    assert [item and item[0] for item in found] == blobs
    assert all(item and len(item[1]) == size + 8 for size, item in enumerate(found))


def test_a_pass_may_be_given_up(repository: Repository) -> None:
    blob = repository.write(b"x" * 100_000)
    pending = repository.read([blob.oid] * 100)
    assert next(pending)
    pending.close()


def test_main_moves_only_from_where_it_was_seen(repository: Repository) -> None:
    assert repository.head() is None
    tree = repository.write({"file": b""})
    first, second, third = (repository.commit(tree, (), f"{n}\n", n) for n in range(3))
    repository.advance(first, None)
    repository.advance(second, first)
    repository.advance(second, first)  # as when a git outlived its killed parent
    with pytest.raises(ArchiveError, match="was not moved"):
        repository.advance(third, first)
    assert repository.head() == second


def test_git_that_cannot_read_says_where(repository: Repository) -> None:
    with pytest.raises(DamageError, match="git cannot read"):
        repository.steps("f" * 40)


def test_a_disk_that_refuses_is_told(repository: Repository) -> None:
    (repository.folder / "objects" / "info").rmdir()
    (repository.folder / "objects" / "pack").rmdir()
    (repository.folder / "objects").rmdir()
    (repository.folder / "objects").touch()
    repository.write(b"1")
    with pytest.raises(ArchiveError, match="cannot write to"):
        repository.flush()


def test_git_that_is_not_installed_is_told(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ArchiveError, match="git was not found; install git"):
        repository.head()


def test_what_is_written_together_is_one_pack(repository: Repository) -> None:
    packs = repository.folder / "objects" / "pack"
    tree = repository.write({str(number): b"%d" % number for number in range(100)})
    assert not list(packs.iterdir())
    repository.advance(repository.commit(tree, (), "message\n", 0), None)
    assert sorted(path.suffix for path in packs.iterdir()) == [".idx", ".pack"]
    assert not any(path.stat().st_mode & 0o222 for path in packs.iterdir())
    assert repository.fsck() == []


def test_packs_stay_few(repository: Repository) -> None:
    before = None
    for number in range(70):
        tree = repository.write({"file": b"%d" % number})
        commit = repository.commit(tree, (before,) if before else (), "message\n", number)
        repository.advance(commit, before)
        before = commit
    packs = repository.folder / "objects" / "pack"
    assert len(list(packs.glob("*.pack"))) == 70
    repository.tidy()
    assert len(list(packs.glob("*.pack"))) < 8
    assert repository.fsck() == []
    assert repository.head() == before


def test_a_git_that_was_ended_is_started_again(repository: Repository) -> None:
    blob = repository.write(b"stored")
    assert repository.read_one(blob.oid) == (blob, b"stored")
    conversation = repository._reader._conversation
    assert conversation is not None
    conversation._process.kill()
    conversation._process.wait()
    assert repository.read_one(blob.oid) == (blob, b"stored")
