"""Moments of LoRA adapters, from inner products of their factors: no update is ever formed."""

from collections.abc import Sequence

import numpy as np
import torch

from speciate.errors import ModelError
from speciate.population.adapters import Adapter, check_fit
from speciate.population.crew import Crew
from speciate.population.kinship.moments import WHOLE, Moments, Part, total
from speciate.population.structure import Structure


def moments_of_adapters(
    adapters: Sequence[Adapter], jobs: int | None = None, by_part: bool = False
) -> dict[Part, Moments]:
    """Moments of updates s B A, which are task vectors already.

    A module that an adapter leaves as it is has an update of 0 there; modules that all leave alone
    do not count.

    Args:
        adapters: Of one base.
        jobs: Threads; one a core if not given.
        by_part: Whether blocks and kinds of modules are kept apart, or summed as `WHOLE`.

    Raises:
        ModelError: They are of different bases, hold tensors in full, or are not finite.
    """
    check_fit(adapters)
    for one in adapters:
        if one.saved:
            raise ModelError(f"{one.label}: holds {one.saved[0]} in full; compare adapters without")
    names = sorted({module for one in adapters for module in one.modules})
    structure = Structure(f"{name}.weight" for name in names)

    def work(name: str) -> tuple[Part, Moments]:
        place = structure.place(f"{name}.weight")
        return (place.layer, place.kind) if by_part else WHOLE, _moments(adapters, name)

    with Crew(jobs) as crew:
        return total(crew.map(work, names, 1))


def _moments(adapters: Sequence[Adapter], module: str) -> Moments:
    """Of one module: <B A, D C> is the sum over all elements of (B' D) * (A C')."""
    layout = next(one for one in adapters if module in one.modules).layout(module)
    count = len(adapters)
    found = Moments(layout.outputs * layout.inputs, np.zeros(count), np.zeros((count, count)))
    factors = [
        (place, one.scaled_b.double(), one.a.double())
        for place, one in enumerate(adapter.factors(module) for adapter in adapters)
        if one is not None
    ]
    places = np.repeat([place for place, *_ in factors], [b.shape[1] for _, b, _ in factors])
    all_b = torch.cat([b for _, b, _ in factors], dim=1)
    all_a = torch.cat([a for *_, a in factors])
    for place, b, a in factors:
        found.sums[place] = float((b.sum(dim=0) * a.sum(dim=1)).sum())
        columns = ((b.T @ all_b) * (a @ all_a.T)).sum(dim=0).numpy()
        found.products[place] = np.bincount(places, columns, count)
    return found
