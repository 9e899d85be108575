"""NearSwap: become the other model where the two are near (alchemonaut, 2024; as in mergekit)."""

import torch
from torch import Tensor

from speciate.configs.operators.averaging import Nearswap
from speciate.population.operators.operator import ONE, Locus, Operator
from speciate.population.structure import at


def merge(locus: Locus, parameters: Nearswap, _: None) -> Tensor:
    """The base plus w times the task vector tau, with w = min(t / |tau|, 1) for each element.

    That is tau clipped to [-t, t]. Within t the element of the model is taken as it is.
    """
    t = at(parameters.t, locus.place)
    model = locus.models[0]
    change = model - locus.base
    return torch.where(change.abs() <= t, model, locus.base + change.clamp(-t, t))


OPERATOR = Operator(
    "nearswap",
    "averaging",
    {"base": ONE, "model": ONE},
    Nearswap,
    merge,
    paper="alchemonaut, 2024; mergekit",
)
