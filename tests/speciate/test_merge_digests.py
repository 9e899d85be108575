"""Digests of parents: equal to those that torch gives, hashed once, and never in the way."""

import os
from pathlib import Path
from typing import Any

import pytest

from speciate.digests import Digests, default_cache
from speciate.population.frame import frame_like, new_model
from speciate.population.safetensors_reader import SafetensorsFile
from speciate.population.weights import Checkpoint


def of(path: Path, cache: Path) -> str | None:
    with Digests([path], cache) as digests:
        found = digests.of(path)
    digests.wait()
    return found


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the tensors that are hashed."""
    names: list[str] = []
    real = SafetensorsFile.sha256

    def sha256(self: SafetensorsFile, name: str) -> str:
        names.append(name)
        return real(self, name)

    monkeypatch.setattr(SafetensorsFile, "sha256", sha256)
    return names


@pytest.fixture
def model(bench: Any) -> Path:
    """A model of an age that is remembered."""
    path: Path = bench.model("english", "english")
    return aged(path)


def aged(path: Path, seconds: int = 60) -> Path:
    """Files as if last changed a while ago; the change of the inode itself cannot be dated."""
    for file in path.iterdir():
        stat = file.stat()
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - seconds * 10**9))
    return path


def sharded(model: Path, out: Path) -> Path:
    source = Checkpoint(model)
    with new_model(out, frame_like(source), 200_000) as writer:
        for name in source.names:
            writer.write(name, source.tensor(name))
    return out


def test_the_same_as_with_torch(model: Path, tmp_path: Path) -> None:
    shards = sharded(model, tmp_path / "shards")
    expected = Checkpoint(model).digest()
    assert len(list(shards.glob("*.safetensors"))) > 1
    assert of(model, tmp_path / "c") == of(shards, tmp_path / "c") == expected


def test_remembered_until_a_file_changes(
    model: Path, tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speciate.digests._YOUNG", -1)
    cache = tmp_path / "deep" / "cache.json"
    first = of(model, cache)
    count = len(hashed)
    assert count == 38
    assert of(model, cache) == first
    assert len(hashed) == count
    aged(model, 1)
    assert of(model, cache) == first
    assert len(hashed) == 2 * count


def test_young_files_are_not_remembered(model: Path, tmp_path: Path, hashed: list[str]) -> None:
    for _ in range(2):
        of(model, tmp_path / "c")
    assert len(hashed) == 76


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "[" * 100_000, "\x00"])
def test_a_damaged_cache_is_none(model: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "c").write_text(content)
    assert of(model, tmp_path / "c") == Checkpoint(model).digest()


@pytest.mark.parametrize("damage", ["short", "gone", "index", "no folder"])
def test_what_cannot_be_read_has_none(model: Path, tmp_path: Path, damage: str) -> None:
    file = model / "model.safetensors"
    if damage == "short":
        file.write_bytes(file.read_bytes()[:-10])
    else:
        file.unlink()
    if damage == "index":
        (model / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../b"}}')
    path = model / "missing" if damage == "no folder" else model
    assert of(path, tmp_path / "c") is None


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "speciate" / "digests.json"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "speciate" / "digests.json"


def test_leaving_stops_the_hashing(model: Path, tmp_path: Path, hashed: list[str]) -> None:
    digests = Digests([model], tmp_path / "c")
    digests.__exit__()
    digests.wait()
    assert digests.of(model) in (None, Checkpoint(model).digest())
