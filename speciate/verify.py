"""Whether an archive's individuals still are what was recorded: rebuilt, digested, compared."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.archive.store import WeightStore
from speciate.errors import DamageError, SpeciateError
from speciate.nursery import Nursery, nursery_of
from speciate.population.adapters import Adapter
from speciate.population.folders import weights_in
from speciate.population.weights import Checkpoint
from speciate.records import FOUNDER, Individual
from speciate.words import SHORT

Tell = Callable[[str], None]


def verify(archive: Archive, ids: Sequence[str], tell: Tell) -> list[str]:
    """Rebuilds individuals from the founders, and compares founders and stored weights too.

    Args:
        archive: Open; nothing in it is changed.
        ids: Individuals to rebuild; nothing is taken from the weight store for it.
        tell: Is told of each that was found right.

    Returns:
        What is wrong, a line each; empty if all is right.
    """
    try:
        known = archive.individuals
    except DamageError as damage:
        return [str(damage)]
    found = list(founder_problems(archive, known))
    if found:
        return found
    with tempfile.TemporaryDirectory(dir=archive.folder, prefix=".verify-") as scratch:
        rebuilder = nursery_of(archive, WeightStore(Path(scratch)))
        for name in ids:
            problems = list(_problems(archive, rebuilder, known[name], known))
            found += problems
            if not problems:
                tell(f"{name[:SHORT]} rebuilt: {str(known[name].digest)[:12]}")
    return found


def founder_problems(archive: Archive, known: Mapping[str, Individual]) -> Iterator[str]:
    """Founders that are not on this machine, or not what they were."""
    paths = archive.founder_paths
    for one in known.values():
        if one.recipe.operator != FOUNDER:
            continue
        name = str(one.recipe.parameters["name"])
        if name not in paths:
            yield f"founder '{name}' is not known on this machine; `speciate run` tells where it is"
            continue
        try:
            digest = weights_in(paths[name]).digest()
        except SpeciateError as exc:
            yield f"founder '{name}': {exc}"
            continue
        if digest != one.digest:
            yield (
                f"founder '{name}' changed: {paths[name]} has weights {digest[:12]}, recorded are "
                f"{str(one.digest)[:12]}; restore it from where it came"
            )


def stored_problems(archive: Archive, known: Mapping[str, Individual]) -> Iterator[str]:
    """Stored weights that no longer have their digest."""
    owners = {one.digest: name for name, one in known.items() if one.digest}
    for digest in sorted(archive.weights.digests()):
        owner = owners.get(digest, "nobody")[:SHORT]
        try:
            found = weights_in(archive.weights.folder / digest).digest()
        except SpeciateError as exc:
            yield f"stored weights of {owner}: {exc}"
            continue
        if found != digest:
            yield (
                f"stored weights of {owner} changed: weights/{digest[:12]} has digest "
                f"{found[:12]}; delete that folder, it is rebuilt when needed"
            )


def _problems(
    archive: Archive, rebuilder: Nursery, one: Individual, known: Mapping[str, Individual]
) -> Iterator[str]:
    if one.digest is None:
        yield f"{one.id[:SHORT]} failed and has no weights: {one.error}"
        return
    try:
        rebuilt = weights_in(rebuilder.folder(one.id, known))
    except SpeciateError as exc:
        yield f"{one.id[:SHORT]} cannot be rebuilt: {exc}"
        return
    stored = archive.weights.path(one.digest)
    if stored is not None:
        yield from _changed(one, stored, rebuilt)


def _changed(one: Individual, stored: Path, rebuilt: Checkpoint | Adapter) -> Iterator[str]:
    """The tensors in which stored weights differ from the rebuilt ones."""
    where = f"{one.id[:SHORT]}: stored weights/{stored.name[:12]}"
    try:
        found = weights_in(stored).tensor_digests()
    except SpeciateError as exc:
        yield f"{where} cannot be read: {exc}; delete that folder, it is rebuilt when needed"
        return
    expected = rebuilt.tensor_digests()
    names = [name for name in sorted(expected) if found.get(name) != expected[name]]
    if names:
        yield (
            f"{where} changed in {', '.join(names[:3])}"
            f"{f' and {len(names) - 3} more' if len(names) > 3 else ''}; "
            "delete that folder, it is rebuilt when needed"
        )
