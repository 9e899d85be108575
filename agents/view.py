"""What agents see of a campaign: plain values that the spine selects, and nothing else.

There is no place for scores that selection does not see, items of tasks, files, or code of the
evaluator. What is text comes out of the constructors as one short line without paths and secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from speciate.agents.wording import plain, without_secrets


@dataclass(frozen=True)
class _Shown:
    """Base of what is shown; makes all texts fit."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            made = without_secrets(value) if one.name == "source" else plain(value)
            object.__setattr__(self, one.name, made)


@dataclass(frozen=True)
class Task(_Shown):
    """What models are selected by.

    Attributes:
        metric: Unit of the scores.
        weight: Its part in the fitness.
        higher_is_better: Of the scores; fitness is always better when higher.
    """

    name: str
    metric: str
    weight: float
    higher_is_better: bool


@dataclass(frozen=True)
class Member(_Shown):
    """An individual.

    Attributes:
        id: In full, as recipes say it.
        name: As agents say it: ten digits of the id, or a founder's name.
        operator: "founder" for founders.
        parents: Name and role of each.
        scores: Means over the items that selection sees, by task.
        error: Why it failed, if it did.
    """

    id: str
    name: str
    operator: str
    parents: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    fitness: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    step: int = 0
    proposer: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Attempt(_Shown):
    """What an agent proposed before, what it foretold, and what came of it."""

    name: str
    operator: str
    proposer: str
    reason: str
    prediction: float | None = None
    fitness: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Kin(_Shown):
    """How alike two individuals are, by name; 1 is the same."""

    first: str
    second: str
    likeness: float


@dataclass(frozen=True)
class Role(_Shown):
    """A part that parents play, and how many may; no `most` is no limit."""

    name: str
    least: int
    most: int | None


@dataclass(frozen=True)
class Offer(_Shown):
    """An operator that may be proposed.

    Attributes:
        family: Agents are asked for one family at a time.
        sentence: What it does.
        parameters: JSON schema of each parameter that may be set; see `speciate.agents.knobs`.
        weighted: Whether it takes one weight a model.
    """

    name: str
    family: str
    sentence: str
    roles: tuple[Role, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weighted: bool = False


@dataclass(frozen=True)
class Evolved(_Shown):
    """An operator that an agent wrote.

    Attributes:
        digest: SHA-256 of the source.
        source: In full, with its lines.
        gains: Fitness of each child less that of its best parent.
    """

    digest: str
    sentence: str
    source: str
    gains: tuple[float, ...] = ()


@dataclass(frozen=True)
class View(_Shown):
    """All that an agent is told.

    Attributes:
        base: Id of the founder that all others stem from, if there is one.
        living: The population, best first.
        failures: The latest individuals that could not be bred or scored.
        attempts: Earlier proposals of agents, the oldest first.
        recommendations: Of the critic.
        rejections: Reasons of people who rejected proposals.
        calibration: How far off earlier predictions were, in one line.
    """

    step: int
    tasks: tuple[Task, ...]
    founders: tuple[Member, ...]
    living: tuple[Member, ...]
    offers: tuple[Offer, ...]
    base: str | None = None
    failures: tuple[Member, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    kinship: tuple[Kin, ...] = ()
    evolved: tuple[Evolved, ...] = ()
    insights: tuple[str, ...] = ()
    recommendations: tuple[str, ...] = ()
    rejections: tuple[str, ...] = ()
    calibration: str = ""

    @property
    def candidates(self) -> tuple[Member, ...]:
        """Who may be a parent: the living, best first, and the founders."""
        return tuple({one.id: one for one in (*self.living, *self.founders)}.values())
