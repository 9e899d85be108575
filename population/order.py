"""The order of models that are merged, where it must not matter: by what they contain.

Sums of floats depend on their order in the last bit, and random masks on the number of a model. So
models are put into an order that is theirs, however a recipe lists and calls them.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from speciate.configs.operators.per_model import own_order, reordered
from speciate.population.genome import BLOCK, Source
from speciate.population.plan import Segment
from speciate.population.safetensors_writer import raw_bytes

_TENSORS, _ELEMENTS = 64, 16


def in_own_order(segment: Segment) -> Segment:
    """The segment with its models in the order of their contents, if it makes no difference."""
    models = segment.sources.get("model", ())
    # Statistics that only some models have tell them apart by their places.
    placed = len(segment.statistics) not in (0, len(models))
    if not segment.operator.symmetric or len(models) < 2 or placed:
        return segment
    order = own_order(_keys(models, segment.names), segment.parameters)
    return replace(
        segment,
        parameters=reordered(segment.parameters, order),
        sources={**segment.sources, "model": tuple(models[index] for index in order)},
        statistics=[segment.statistics[index] for index in order] if segment.statistics else (),
        like=segment.frame,
    )


def _keys(models: Sequence[Source], names: Sequence[str]) -> list[str]:
    """Hashes of a few elements of each model, and of all of them where those are equal."""
    few = names[:: max(1, len(names) // _TENSORS)]
    glimpses = [_hash(model, few, _ELEMENTS) for model in models]
    return [
        glimpse + (_hash(model, names) if glimpses.count(glimpse) > 1 else "")
        for model, glimpse in zip(models, glimpses, strict=True)
    ]


def _hash(model: Source, names: Sequence[str], most: int | None = None) -> str:
    digest = hashlib.sha256()
    for name in names:
        for start, stop in _runs(model, name, most):
            digest.update(raw_bytes(model.read(name, start, stop)))
    return digest.hexdigest()


def _runs(model: Source, name: str, most: int | None) -> Iterator[tuple[int, int]]:
    size = math.prod(model.shape(name))
    end = size if most is None else min(size, most)
    return ((start, min(start + BLOCK, end)) for start in range(0, end, BLOCK))
