from pathlib import Path

import pytest

from speciate.archive.store import WeightStore
from speciate.errors import ArchiveError

A, B = "a" * 64, "b" * 64


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights")


def _model(store: WeightStore, content: str = "weights") -> Path:
    folder = store.reserve()
    (folder / "model.safetensors").write_text(content)
    return folder


def test_a_finished_model_is_moved_in(store: WeightStore) -> None:
    assert store.path(A) is None
    assert store.digests() == frozenset()
    folder = _model(store)
    place = store.adopt(folder, A)
    assert store.path(A) == place
    assert (place / "model.safetensors").read_text() == "weights"
    assert not folder.exists()
    assert store.digests() == {A}


def test_adopting_twice_keeps_the_first(store: WeightStore) -> None:
    place = store.adopt(_model(store, "first"), A)
    again = _model(store, "second")
    assert store.adopt(again, A) == place
    assert store.adopt(place, A) == place
    assert (place / "model.safetensors").read_text() == "first"
    assert not again.exists()


@pytest.mark.parametrize(
    "digest", ["", "a" * 63, "A" * 64, f"../{A}", f"{A}\n", "../" * 20 + "etc"]
)
def test_a_digest_can_be_no_path(store: WeightStore, digest: str) -> None:
    folder = _model(store)
    with pytest.raises(ArchiveError, match="is not a weights digest"):
        store.path(digest)
    with pytest.raises(ArchiveError, match="is not a weights digest"):
        store.adopt(folder, digest)
    assert folder.exists()


def test_a_link_is_no_model(store: WeightStore, tmp_path: Path) -> None:
    store.folder.mkdir()
    (store.folder / A).symlink_to(tmp_path)
    assert store.path(A) is None
    with pytest.raises(ArchiveError, match="cannot move"):
        store.adopt(_model(store), A)
    with pytest.raises(ArchiveError, match="is not a model folder"):
        store.adopt(store.folder / A, B)


def test_prune_frees_what_is_not_kept(store: WeightStore) -> None:
    store.adopt(_model(store, "12345"), A)
    store.adopt(_model(store), B)
    assert store.prune({B, "not stored"}) == 5
    assert store.digests() == {B}
    assert [path.name for path in store.folder.iterdir()] == [B]


def test_sweep_removes_only_leftovers(store: WeightStore) -> None:
    store.sweep()
    store.adopt(_model(store), A)
    _model(store)
    (store.folder / ".trash-1").mkdir()
    store.sweep()
    assert [path.name for path in store.folder.iterdir()] == [A]
