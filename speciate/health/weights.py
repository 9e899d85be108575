"""Stored weights, which are a cache: what is spoilt is rebuilt when it is needed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.message import one_line
from speciate.archive.store import WeightStore
from speciate.errors import SpeciateError
from speciate.health.damage import Damage
from speciate.health.site import Site
from speciate.population.folders import weights_in
from speciate.words import SHORT

_REMEDY = "--repair deletes it, it is rebuilt when needed"


def check(site: Site) -> Iterator[Damage]:
    """Whether everything stored has the digest that it is stored under."""
    store = WeightStore(site.folder / "weights")
    for digest in sorted(store.digests()):
        if problem := _problem(store.folder / digest, digest):
            whose = _owner(site.archive, digest)
            repair = partial(_drop, store, digest, whose)
            yield Damage(f"stored weights of {whose} {problem}", _REMEDY, repair)


def strange(site: Site) -> Iterator[Damage]:
    """What the store would never hold, and never looks at."""
    store = WeightStore(site.folder / "weights")
    if not store.folder.is_dir():
        return
    known = store.digests() | {path.name for path in store.leftovers()}
    for path in sorted(store.folder.iterdir()):
        if path.name not in known or path.is_symlink() or not path.is_dir():
            name = one_line(path.name)
            repair = partial(_put_aside, site, path)
            yield Damage(f"weights/{name} is no model of the store", "--repair moves it", repair)


def _problem(folder: Path, digest: str) -> str | None:
    if folder.is_symlink() or not folder.is_dir():
        return None  # Strange.
    try:
        found = weights_in(folder).digest()
    except SpeciateError as exc:
        return f"cannot be read: {exc}"
    return None if found == digest else f"changed: weights/{digest[:12]} has digest {found[:12]}"


def _owner(archive: Archive | None, digest: str) -> str:
    rows = archive.index.rows("digest = ?", [digest]) if archive else []
    return rows[0].id[:SHORT] if rows else "nobody"


def _drop(store: WeightStore, digest: str, whose: str) -> str:
    freed = store.drop([digest])
    return f"weights of {whose} deleted, {freed} bytes"


def _put_aside(site: Site, path: Path) -> str:
    return f"{one_line(path.name)} lies in {site.put_aside(path)}"
