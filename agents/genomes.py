"""The genomes of agents, prompt template and sampling, which evolve in a campaign too.

After the Darwin Goedel Machine (Zhang et al., 2025): versions that still work are kept, and who is
improved next is drawn with p proportional to sigmoid(10 (score - 1/2)) / (1 + children).

The score of a genome is the mean rank of what came of its calls: each is ranked, from 0 for the
worst to 1 for the best and 1/2 among equals, within the latest of its role. So it needs no unit,
and 1/2 is as good as the others. A call without a usable answer ranks below one without a gain.
Every genome starts with two calls at 1/2.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from speciate.agents.plain import rounded
from speciate.errors import ReplyError, UsageError
from speciate.records import digest_of

State = Mapping[str, Any]
_SHORT = 10
_STEEPNESS = 10.0
_PRIOR_CALLS = 2
_UNUSABLE = -1.0


@dataclass(frozen=True)
class Settings:
    """How much is kept.

    Attributes:
        most: Genomes of a role. For one more, the worst is forgotten.
        longest: Of a template, in characters.
        window: Latest calls of a role that a new one is ranked among.
    """

    most: int = 16
    longest: int = 8000
    window: int = 100


@dataclass(frozen=True)
class Genome:
    """What makes an agent answer as it does, and what came of it.

    Attributes:
        role: Of the agent.
        digest: SHA-256 of the template's text, or of the shipped files it stands for.
        template: Its text; None if it is the shipped one.
        sampling: Settings such as the temperature.
        parent: Name of the genome it was made from.
        children: How many were made from it, forgotten ones included.
        active: Whether it may answer calls.
        calls: Whose outcome is known.
        ranks: Sum of their ranks, each in [0, 1].
    """

    role: str
    digest: str
    template: str | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    parent: str | None = None
    children: int = 0
    active: bool = True
    calls: int = 0
    ranks: float = 0.0

    @property
    def name(self) -> str:
        """10 hexadecimal digits; the same template, sampling and parent have the same."""
        made_of = [self.role, self.digest, dict(self.sampling), self.parent]
        return digest_of(made_of)[:_SHORT]

    @property
    def score(self) -> float:
        """In (0, 1); 1/2 is as good as the other genomes of the role."""
        return (self.ranks + _PRIOR_CALLS / 2) / (self.calls + _PRIOR_CALLS)

    @property
    def fitness(self) -> float:
        """The sigmoid of the score."""
        return 1 / (1 + math.exp(-_STEEPNESS * (self.score - 0.5)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`."""
        return cls(**data)


def genomes(state: State, role: str | None = None, active: bool = False) -> dict[str, Genome]:
    """Those kept, by name, oldest first: of one role or of all, active or not."""
    found = {name: Genome.from_json(data) for name, data in state.get("genomes", [])}
    return {
        name: genome
        for name, genome in found.items()
        if role in (None, genome.role) and (genome.active or not active)
    }


def founded(
    settings: Settings, state: State, role: str, digest: str, sampling: Mapping[str, float]
) -> State:
    """The state with the shipped genome of a role; as it is if it has been there before.

    To be called at every start: a release with another template adds a founder, and retires the
    one whose template is shipped no longer.
    """
    founder = Genome(role, digest, sampling=dict(sampling))
    if founder.name in genomes(state):
        return state
    kept = {
        name: replace(one, active=False)
        if one.role == role and one.template is None and one.digest != digest
        else one
        for name, one in _room(settings, state, role).items()
    }
    return _stored(state, {**kept, founder.name: founder})


def born(
    settings: Settings,
    state: State,
    parent: str,
    template: str,
    sampling: Mapping[str, float],
    check: Callable[[str], Sequence[str]],
) -> tuple[State, str]:
    """The state with a child of a genome, active, and its name.

    Args:
        settings: How much is kept.
        state: From `founded`, or later.
        parent: Name of the genome that was changed.
        template: What the improver wrote; hostile text.
        sampling: Of the child.
        check: Problems of a template, one line each, without carrying anything out.

    Raises:
        ReplyError: The template cannot be used, or is one that exists.
    """
    old = _named(state, parent)
    if not template.strip() or len(template) > settings.longest:
        raise ReplyError(
            f"the template has {len(template)} characters; write 1 to {settings.longest}"
        )
    if problems := check(template):
        raise ReplyError(f"the template cannot be used: {problems[0]}")
    child = Genome(old.role, digest_of(template), template, dict(sampling), parent)
    same = [name for name, one in genomes(state, old.role).items() if _alike(one, child)]
    if same:
        raise ReplyError(f"the template and its sampling are those of {same[0]}; change something")
    state = _stored(state, {**genomes(state), parent: replace(old, children=old.children + 1)})
    kept = _room(settings, state, old.role, parent)
    return _stored(state, {**kept, child.name: child}), child.name


def retired(state: State, name: str) -> State:
    """The state in which a genome answers no more calls; it stays in the lineage.

    Raises:
        UsageError: There is no such genome, or it is the last of its role.
    """
    genome = _named(state, name)
    if list(genomes(state, genome.role, active=True)) == [name]:
        raise UsageError(
            f"genome {name} is the last active {genome.role}; roll back to another one first"
        )
    return _stored(state, {**genomes(state), name: replace(genome, active=False)})


def rolled_back(state: State, name: str) -> State:
    """The state in which this genome alone answers the calls of its role, whatever it was before.

    Raises:
        UsageError: There is no such genome.
    """
    role = _named(state, name).role
    all_ = {
        other: replace(one, active=other == name) if one.role == role else one
        for other, one in genomes(state).items()
    }
    return _stored(state, all_)


def answering(state: State, role: str, random: np.random.Generator) -> Genome:
    """Who answers the next call of a role: an active genome, in proportion to its fitness.

    Raises:
        UsageError: There is none.
    """
    return _drawn(state, role, lambda genome: genome.fitness, random)


def improved_next(state: State, role: str, random: np.random.Generator) -> Genome:
    """Which active genome is the parent of the next one; see the module.

    Raises:
        UsageError: There is none.
    """
    return _drawn(state, role, lambda genome: genome.fitness / (1 + genome.children), random)


def told(settings: Settings, state: State, name: str, gained: float | None) -> State:
    """The state after the outcome of a call, to be told in the order of the proposals.

    Args:
        settings: How much is kept.
        state: From `founded`, or later.
        name: Of the genome that answered; if it has been forgotten, nothing happens.
        gained: What the bandit is told: the gain, or None if there was no usable recipe.
    """
    genome = genomes(state).get(name)
    if genome is None:
        return state
    outcome = _UNUSABLE if gained is None else rounded(gained)
    latest = list(state.get("outcomes", {}).get(genome.role, []))
    rank = _rank(outcome, latest)
    new = replace(genome, calls=genome.calls + 1, ranks=rounded(genome.ranks + rank))
    window = [*latest, outcome][-settings.window :]
    outcomes = {**state.get("outcomes", {}), genome.role: window}
    return {**_stored(state, {**genomes(state), name: new}), "outcomes": outcomes}


def lineage(state: State, name: str) -> tuple[Genome, ...]:
    """A genome, its parent, and so on to a founder, or to one whose parent was forgotten.

    Raises:
        UsageError: There is no such genome.
    """
    line = [_named(state, name)]
    known = genomes(state)
    while line[-1].parent in known:
        line.append(known[str(line[-1].parent)])
    return tuple(line)


def _named(state: State, name: str) -> Genome:
    known = genomes(state)
    if name not in known:
        raise UsageError(f"there is no genome '{name}'; known: {', '.join(known) or 'none'}")
    return known[name]


def _alike(one: Genome, other: Genome) -> bool:
    return (one.digest, dict(one.sampling)) == (other.digest, dict(other.sampling))


def _rank(outcome: float, latest: Sequence[float]) -> float:
    """Share of the latest that are worse; equal ones count half."""
    if not latest:
        return 0.5
    return sum((old < outcome) + (old == outcome) / 2 for old in latest) / len(latest)


def _room(
    settings: Settings, state: State, role: str, parent: str | None = None
) -> dict[str, Genome]:
    """All genomes without the worst of a full role: retired ones first, and never a founder.

    Those with children stay, unless there are no others; then a lineage ends early.
    """
    kept = genomes(state)
    mine = genomes(state, role)
    parents = {parent, *(genome.parent for genome in mine.values())}
    bred = [name for name, one in mine.items() if one.parent and name != parent]
    some = [name for name in bred if name not in parents] or bred
    if len(mine) >= settings.most and some:
        del kept[min(some, key=lambda name: (mine[name].active, mine[name].score))]
    return kept


def _drawn(
    state: State, role: str, weight: Callable[[Genome], float], random: np.random.Generator
) -> Genome:
    found = list(genomes(state, role, active=True).values())
    if not found:
        raise UsageError(f"no genome of the role '{role}' is active; roll back to one")
    sums = np.cumsum([weight(genome) for genome in found])
    place = int(np.searchsorted(sums, random.random() * sums[-1], side="right"))
    return found[min(place, len(found) - 1)]


def _stored(state: State, kept: Mapping[str, Genome]) -> dict[str, Any]:
    """A list, since canonical JSON sorts the keys of tables, and age would be lost."""
    return {**state, "genomes": [[name, asdict(genome)] for name, genome in kept.items()]}
