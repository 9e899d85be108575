"""One individual made again, and compared with what was recorded and with what is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from speciate.configs import schema
from speciate.errors import DiskError, SpeciateError
from speciate.nursery import bred
from speciate.population.adapters import Adapter
from speciate.population.folders import weights_in
from speciate.population.weights import Checkpoint
from speciate.records import Recipe
from speciate.words import SHORT

_NAMED = 3
DELETE = "delete that folder, it is rebuilt when needed"


@dataclass(frozen=True)
class Work:
    """What a process needs to know of an individual.

    Attributes:
        recipe: Its genome.
        digest: Recorded of its weights.
        parents: Their folders, by id.
        out: Where to write it.
        stored: Its folder in the weight store, if it is stored.
        settings: Of the campaign's weights.
        threads: To compute with.
    """

    recipe: Recipe
    digest: str
    parents: Mapping[str, Path]
    out: Path
    stored: Path | None
    settings: schema.Store
    threads: int | None


@dataclass(frozen=True)
class Found:
    """What came of it.

    Attributes:
        rebuilt: Whether it has the recorded weights, so that others can be made of it.
        problems: A line each.
    """

    rebuilt: bool
    problems: tuple[str, ...] = ()


def rebuild(work: Work) -> Found:
    """Makes an individual again, and looks at it.

    Raises:
        DiskError: There is no room, which is nobody's damage.
    """
    name = work.recipe.id[:SHORT]
    try:
        digest = bred(work.recipe, work.parents, work.out, work.settings, work.threads)
    except DiskError:
        raise
    except SpeciateError as exc:
        return Found(False, (f"{name} cannot be rebuilt: {exc}",))
    if digest != work.digest:
        what = f"its recipe gives weights {digest[:12]}, recorded are {work.digest[:12]}"
        return Found(False, (f"{name}: {what}; the recipe or a founder was changed",))
    if work.stored is None:
        return Found(True)
    return Found(True, tuple(_changed(name, work.stored, weights_in(work.out))))


def _changed(name: str, stored: Path, rebuilt: Checkpoint | Adapter) -> Iterator[str]:
    """The tensors in which stored weights differ from the rebuilt ones."""
    where = f"{name}: stored weights/{stored.name[:12]}"
    try:
        found = weights_in(stored).tensor_digests()
    except SpeciateError as exc:
        yield f"{where} cannot be read: {exc}; {DELETE}"
        return
    expected = rebuilt.tensor_digests()
    names = [name for name in sorted(expected) if found.get(name) != expected[name]]
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{where} changed in {', '.join(names[:_NAMED])}{more}; {DELETE}"
