"""scikit-learn's digits, networks that read them, and children of networks by our operators.

A network is 64-256-10 with ReLU, its tensors in the order of M2N2's parameter vector. Pixels are 0
to 16 as they come. The first 80% of the digits are the items that a search sees, the rest is the
test split.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import cross_entropy

from speciate.population.breed import values_of
from speciate.population.crew import Crew
from speciate.population.operators.operator import Operator
from speciate.population.operators.registry import OPERATORS, validate
from speciate.population.plan import Segment
from speciate.population.randomness import stream
from speciate.population.structure import Structure
from speciate.records import Evaluation, Individual, Recipe, Score

PIXELS, HIDDEN, CLASSES = 64, 256, 10
# Maps from inputs to outputs and offsets, in M2N2's order, which a split point cuts.
SHAPES = ((PIXELS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,))
SIZES = [math.prod(shape) for shape in SHAPES]
TASK, NAMES, FIRST_SIGMA = "digits", ("parameters",), 0.01
# Of the half-trained founders: steps of Adam on all of their classes' digits at once.
STEPS, RATE = 10, 0.003


@dataclass(frozen=True)
class Network:
    """A `Source` in memory: one vector of parameters."""

    parameters: Tensor
    label = TASK
    names = NAMES

    def shape(self, _: str) -> tuple[int, ...]:
        return tuple(self.parameters.shape)

    def dtype(self, _: str) -> torch.dtype:
        return self.parameters.dtype

    def read(self, _: str, start: int, stop: int) -> Tensor:
        return self.parameters[start:stop]

    def logits(self, pixels: Tensor) -> Tensor:
        """Shape (classes, items): this way the second product is four times as fast."""
        parts = zip(self.parameters.split(SIZES), SHAPES, strict=True)
        hidden, offset, output, shift = (part.view(shape) for part, shape in parts)
        features = torch.addmm(offset, pixels, hidden).relu_()
        return torch.addmm(shift.unsqueeze(1), output.t(), features.t())

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.parameters.numpy().data).hexdigest()


@dataclass(frozen=True)
class Split:
    """Digits in their order: pixels (items, 64) and classes (items,)."""

    pixels: Tensor
    classes: Tensor

    def right(self, network: Network) -> NDArray[np.bool_]:
        """Which digits a network reads: (items,)."""
        read = network.logits(self.pixels).numpy().argmax(axis=0)
        return np.equal(read, self.classes.numpy())

    def accuracy(self, network: Network) -> float:
        """Share of the digits."""
        return float(self.right(network).mean())


@cache
def splits() -> tuple[Split, Split]:
    """What is searched on, and what is tested on."""
    images, labels = load_digits(return_X_y=True)
    pixels, classes = torch.tensor(images, dtype=torch.float32), torch.tensor(labels)
    cut = int(0.8 * len(classes))
    return Split(pixels[:cut], classes[:cut]), Split(pixels[cut:], classes[cut:])


def blank(seed: int, name: str) -> Network:
    """Of small random numbers."""
    return Network(stream(seed, TASK, name).normal((sum(SIZES),)) * FIRST_SIGMA)


def half_trained(seed: int, name: str, low: bool) -> Network:
    """Trained a little on the digits 0 to 4, or 5 to 9, alone."""
    network = blank(seed, name)
    search, _ = splits()
    mine = (search.classes < CLASSES // 2) == low
    pixels, classes = search.pixels[mine], search.classes[mine]
    descent = torch.optim.Adam([network.parameters.requires_grad_()], lr=RATE)
    for _ in range(STEPS):
        descent.zero_grad()
        cross_entropy(network.logits(pixels).t(), classes).backward()
        descent.step()
    return Network(network.parameters.detach())


def founders(seed: int, trained: bool) -> dict[str, Network]:
    """The two networks that a search begins with, by name."""
    if trained:
        return {name: half_trained(seed, name, low=name == "a") for name in "ab"}
    return {name: blank(seed, name) for name in "ab"}


class World:
    """Makes networks of recipes, and asks them the items."""

    def __init__(self, crew: Crew) -> None:
        self._crew, self._structure = crew, Structure(NAMES)
        self.search, self.test = splits()

    def child(self, recipe: Recipe, living: Mapping[str, Network]) -> Network:
        """What `breed` makes of a recipe, from parents in memory."""
        parameters, operator = validate(recipe), OPERATORS[recipe.operator]
        assert isinstance(operator, Operator)
        roles = {parent.role: recipe.with_role(parent.role) for parent in recipe.parents}
        sources = {role: [living[name] for name in names] for role, names in roles.items()}
        segment = Segment(operator, parameters, sources, NAMES, self._structure, {})
        # One locus holds all parameters.
        (values,) = values_of(segment, recipe.seed, self._crew, lambda _, found: found)
        return Network(values)

    def individual(self, recipe: Recipe, network: Network, step: int) -> Individual:
        """The record of one that was asked all items."""
        right = self.search.right(network)
        score = Score("accuracy", tuple(right.astype(float).tolist()))
        evaluation = Evaluation(float(right.mean()), {TASK: score}, TASK)
        return Individual(recipe, network.digest, step, TASK, "", evaluation)
