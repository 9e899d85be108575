"""Weights to and from stores, by digest; nothing is used before it was digested here."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.sharing.stores import Source, Store
from speciate.archive.store import WeightStore
from speciate.errors import ArchiveError, DamageError, SpeciateError
from speciate.nursery import nursery_of
from speciate.population.folders import weights_in
from speciate.population.weights import read_json
from speciate.records import Individual
from speciate.scratch import scratch_folder
from speciate.words import SHORT

Tell = Callable[[str], None]


def send_weights(archive: Archive, ids: Sequence[str], store: Store, tell: Tell) -> None:
    """Puts the weights of individuals into a store, rebuilt from founders where they are missing.

    Raises:
        ArchiveError: One has no weights, or the store cannot be written.
        SpeciateError: One cannot be rebuilt.
    """
    for one in _with_weights(archive, ids):
        digest = str(one.digest)
        if store.has(digest):
            tell(f"{one.id[:SHORT]}: the store has {digest[:12]}")
            continue
        with _folder(archive, one) as folder:
            _check(folder, digest, f"{one.id[:SHORT]}: {folder}")
            store.put(digest, folder)
        tell(f"{one.id[:SHORT]}: sent {digest[:12]}")


def fetch_weights(archive: Archive, ids: Sequence[str], source: Source, tell: Tell) -> None:
    """Gets the weights of individuals that are not here from a store, and digests them.

    Args:
        archive: Open for writing.
        ids: Of individuals in it.
        source: Where from.
        tell: Is told of each.

    Raises:
        ArchiveError: One has no weights, or the store has none of them.
        DamageError: What the store has is something else; nothing of it is kept.
    """
    for one in _with_weights(archive, ids):
        digest = str(one.digest)
        if archive.weights.path(digest):
            tell(f"{one.id[:SHORT]}: here already")
            continue
        scratch = archive.weights.reserve()
        try:
            source.get(digest, scratch / "model")
            _check(scratch / "model", digest, f"{one.id[:SHORT]}: the store")
            archive.weights.adopt(scratch / "model", digest)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        tell(f"{one.id[:SHORT]}: fetched {digest[:12]}")


def _with_weights(archive: Archive, ids: Sequence[str]) -> list[Individual]:
    found = [archive.individual(id_) for id_ in ids]
    for one in found:
        if one.digest is None:
            raise ArchiveError(f"{one.id[:SHORT]} failed and has no weights; leave it out")
    return found


@contextmanager
def _folder(archive: Archive, one: Individual) -> Iterator[Path]:
    """A founder's folder, a stored one, or one that is rebuilt and gone when left."""
    stored = archive.weights.path(str(one.digest))
    if stored:
        yield stored
        return
    with scratch_folder(archive.folder, "send") as scratch:
        yield nursery_of(archive, WeightStore(scratch)).folder(one.id, archive.individuals)


def _check(folder: Path, digest: str, where: str) -> None:
    """Whether a folder has these weights, and nothing that a library would run."""
    try:
        found = weights_in(folder).digest()
    except SpeciateError as error:
        raise DamageError(f"{where} has no whole model: {error}") from error
    if found != digest:
        raise DamageError(f"{where} has weights {found[:12]} for {digest[:12]}; do not use it")
    for file in sorted(folder.glob("*config.json")):
        if "auto_map" in read_json(folder, file.name):
            raise DamageError(f"{where} has a {file.name} that names code to run; do not use it")
