"""How far apart two individuals' weights are, by blocks and kinds of modules."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speciate.archive.archive import Archive
from speciate.archive.borrowing import BorrowingStore
from speciate.errors import ArchiveError
from speciate.kinship import origin_ids
from speciate.naming import founder_ids
from speciate.nursery import nursery_of
from speciate.population.adapters import Adapter
from speciate.population.folders import weights_in
from speciate.population.kinship import Moments, Part, Reals
from speciate.population.kinship.adapters import moments_of_adapters
from speciate.population.kinship.models import moments_of_models
from speciate.population.kinship.moments import WHOLE, whole
from speciate.population.weights import Checkpoint
from speciate.records import FOUNDER, Individual
from speciate.scratch import scratch_folder
from speciate.words import SHORT

_NOTHING = 1e-14
"""Of a square: less than this share of the weights' own is what rounding leaves."""


@dataclass(frozen=True)
class Closeness:
    """A part of the weights.

    Attributes:
        block: Its number; None outside of the blocks, and of all together.
        module: Kind of module, or "all".
        elements: How many weights it has.
        distance: Euclidean, relative to the length of the first one's weights (of adapters: its
            update); None if these are all 0.
        cosine: Of the weights, or of the updates.
        kinship: Cosine of the task vectors; None where one has none.
    """

    block: int | None
    module: str
    elements: int
    distance: float | None
    cosine: float | None
    kinship: float | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def readable(archive: Archive, before: Individual, after: Individual) -> bool:
    """Whether weights of both, and all that they are compared with, are stored or founders'."""
    origins = origin_ids(archive.config, founder_ids(archive))
    others = (archive.individual(name) for name in origins)
    return all(_is_here(archive, one) for one in (before, after, *others))


def _is_here(archive: Archive, one: Individual) -> bool:
    if one.digest is None:
        return False
    if one.recipe.operator == FOUNDER:
        path = archive.founder_paths.get(str(one.recipe.parameters["name"]))
        return path is not None and path.is_dir()
    return archive.weights.path(one.digest) is not None


def closeness(
    archive: Archive, before: Individual, after: Individual, jobs: int | None = None
) -> list[Closeness]:
    """All weights together, then by parts; what is not stored is rebuilt and taken away again.

    Raises:
        ArchiveError: One failed and has no weights.
        DamageError: Rebuilt weights are not those that were recorded.
        ModelError: The two share no weights, or these became unreadable.
    """
    for one in (before, after):
        if one.digest is None:
            raise ArchiveError(f"{one.id[:SHORT]} failed and has no weights; leave out --weights")
    origins = origin_ids(archive.config, founder_ids(archive))
    with scratch_folder(archive.folder, "diff") as scratch:
        nursery = nursery_of(archive, BorrowingStore(scratch, archive.weights))
        known = archive.individuals
        folders = [nursery.folder(name, known) for name in (before.id, after.id, *origins)]
        parts = _parts(folders[:2], folders[2:], jobs)
    origin_count = len(next(iter(parts.values())).sums) - 2
    rows = {WHOLE: whole(parts), **parts}
    return [_close(part, one, origin_count) for part, one in rows.items()]


def _parts(
    pair: Sequence[Path], origins: Sequence[Path], jobs: int | None
) -> Mapping[Part, Moments]:
    """Moments of the two, and of the origins where they are models."""
    opened = [weights_in(folder) for folder in pair]
    adapters = [one for one in opened if isinstance(one, Adapter)]
    if adapters:
        if len(adapters) < len(opened):
            raise ArchiveError("an adapter has no weights in common with its base; compare others")
        return moments_of_adapters(adapters, jobs, by_part=True)
    models = [Checkpoint(folder) for folder in (*pair, *origins)]
    return moments_of_models(models, (), jobs, by_part=True)


def _close(part: Part, moments: Moments, origins: int) -> Closeness:
    products = moments.products
    distance = _distance(products)
    start = np.full(origins, -1 / origins) if origins else np.zeros(0)
    # Rows of combinations: each of the two less the mean of the origins.
    less = np.hstack([np.eye(2), np.tile(start, (2, 1))])
    least = _NOTHING * float(np.diag(products).max())
    kinship = _cosine(less @ products @ less.T, least)
    return Closeness(*part, moments.count, distance, _cosine(products, 0.0), kinship)


def _distance(products: Reals) -> float | None:
    own = float(products[0, 0])
    square = own + float(products[1, 1]) - 2 * float(products[0, 1])
    if own <= 0:
        return None
    return math.sqrt(square / own) if square > _NOTHING * own else 0.0


def _cosine(products: Reals, least: float) -> float | None:
    one, two, both = (float(products[place]) for place in ((0, 0), (1, 1), (0, 1)))
    if min(one, two) <= least:
        return None
    return max(-1.0, min(1.0, both / math.sqrt(one * two)))
