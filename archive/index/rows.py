"""What the index tells of an individual."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kin:
    """A parent by its id, and the role that it plays in the recipe."""

    id: str
    role: str


@dataclass(frozen=True, slots=True)
class Row:
    """An individual without its parameters and its per-item scores.

    Attributes:
        number: In order of birth, from 1.
        id: The individual's.
        hash: Of its commit.
        step: In which it was born.
        operator: Of its recipe.
        name: A founder's name; None for all others.
        source: Digest of the operator's source, where it is part of the recipe.
        proposer: Who put it forward.
        agent: The arm of the agent that did, if one did.
        reviewer: Who approved it, if anybody did.
        fitness: None for one that failed.
        error: Why it failed.
        digest: Of its weights.
        reason: In the proposer's words.
        generation: 0 for founders, else one more than the latest of its parents.
        children: How many individuals name it as a parent.
        parents: In the recipe's order.
        values: Mean per task over the items of the search split.
    """

    number: int
    id: str
    hash: str
    step: int
    operator: str
    name: str | None
    source: str | None
    proposer: str
    agent: str | None
    reviewer: str | None
    fitness: float | None
    error: str | None
    digest: str | None
    reason: str
    generation: int
    children: int
    parents: tuple[Kin, ...]
    values: Mapping[str, float]


COLUMNS = (
    "number",
    "id",
    "hash",
    "step",
    "operator",
    "name",
    "source",
    "proposer",
    "agent",
    "reviewer",
    "fitness",
    "error",
    "digest",
    "reason",
    "generation",
    "children",
)
"""Columns of the table of individuals, and the first attributes of `Row`."""
