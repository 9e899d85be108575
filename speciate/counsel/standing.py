"""How agents fare in a campaign, by its archive and its journal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speciate.agents import bandit, calibration, memory
from speciate.agents.bandit import STRATEGY
from speciate.agents.genomes import Genome
from speciate.archive.archive import Archive
from speciate.configs.agents import Agents
from speciate.counsel import Known
from speciate.counsel.costs import TOKENS
from speciate.counsel.journal import Answer, Journal, Spent
from speciate.counsel.prompts import versions
from speciate.counsel.remember import recalled
from speciate.counsel.sources import fitness_of_parents
from speciate.records import FOUNDER, Individual, State

TOLERANCE = 0.01
"""Of predictions that count as right, in fitness."""
_REFUSALS = 5
_BASELINE = "baseline"


@dataclass(frozen=True)
class ArmRow:
    """An arm of the bandit.

    Attributes:
        asked: How often it was chosen.
        failed: Of these, those that brought no usable recipe.
        born: Children of its recipes.
        gains: Of these, those better than their best parent.
        worth: What the bandit goes by.
        tokens: That asking it took.
    """

    arm: str
    asked: int
    failed: int
    born: int
    gains: int
    worth: float
    tokens: int


@dataclass(frozen=True)
class Standing:
    """What is known of a campaign's agents.

    Attributes:
        proposals: Of agents that were bred.
        all: Proposals that were bred.
        waiting: Proposals that wait for people.
        approved: Of proposals that people approved, those that wait for a slot.
        resting: Endpoints that are left alone, and until which step.
        spent: On all answers.
        arms: All that were ever chosen.
        predictions: How good they were.
        prompts: Versions, oldest first.
        insights: Of the critic, latest first.
        recommendations: Likewise.
        refusals: The latest answers without a recipe, with their steps.
    """

    proposals: int
    all: int
    waiting: int
    approved: int
    resting: Mapping[str, int]
    spent: Spent
    arms: Sequence[ArmRow]
    predictions: Sequence[calibration.Row]
    prompts: Sequence[Genome]
    insights: Sequence[str]
    recommendations: Sequence[str]
    refusals: Sequence[tuple[int, Answer]]

    def line(self) -> str:
        """Such as "agents: 12 of 48 proposals (25%), 3 wait for review; 130 replies, ..."."""
        share = f" ({self.proposals / self.all:.0%})" if self.all else ""
        words = [f"agents: {self.proposals} of {self.all} proposals{share}"]
        if self.waiting:
            words.append(f"{self.waiting} wait{'s' * (self.waiting == 1)} for review")
        cost = f", {self.spent.money:.2f} spent" if self.spent.money else ""
        asked = f"{self.spent.replies:,} replies, {self.spent.tokens:,} tokens{cost}"
        return f"{', '.join(words)}; {asked}"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return self.short() | {
            "arms": [asdict(one) for one in self.arms],
            "predictions": [asdict(one) for one in self.predictions],
            "prompts": [prompt_json(one) for one in self.prompts],
            "insights": list(self.insights),
            "recommendations": list(self.recommendations),
            "refusals": [
                {"step": step, "arm": one.arm, "error": one.error, "talk": one.talk or None}
                for step, one in self.refusals
            ],
        }

    def short(self) -> dict[str, Any]:
        """What `speciate status` tells of it, as JSON values."""
        return {
            "proposals": self.proposals,
            "of": self.all,
            "waiting": self.waiting,
            "approved": self.approved,
            "resting": dict(self.resting),
            "spent": self.spent._asdict(),
        }


def prompt_json(one: Genome) -> dict[str, Any]:
    """A version of a prompt without its words, as JSON values."""
    return {
        "name": one.name,
        "role": one.role,
        "parent": one.parent,
        "shipped": one.template is None,
        "sampling": dict(one.sampling),
        "calls": one.calls,
        "score": one.score,
        "active": one.active,
    }


def standing_of(archive: Archive) -> Standing | None:
    """How agents fare; None in a campaign without any.

    Raises:
        DamageError: The archive or the journal is not what speciate writes.
    """
    if not archive.config.get("agents"):
        return None
    state, journal = archive.state or State(), Journal.of(archive.folder)
    known, answers = archive.individuals, list(journal.answers())
    children = [one for one in known.values() if _proposed(one)]
    remembered, resting = recalled(state, "memory"), recalled(state, "resting")
    refused = [(step, one) for step, one in answers if one.error is not None]
    return Standing(
        proposals=sum(one.origin is not None for one in children),
        all=len(children),
        waiting=len(archive.drafts.waiting()),
        approved=len(state.agents.get("approved", ())),
        resting={name: one["until"] for name, one in resting.items() if one["until"] > state.step},
        spent=journal.spent,
        arms=tuple(_arms(archive, state, known, children)),
        predictions=calibration.summary(recalled(state, "calibration"), TOLERANCE),
        prompts=tuple(versions(state).values()),
        insights=memory.insights(remembered),
        recommendations=memory.recommendations(remembered),
        refusals=refused[-_REFUSALS:],
    )


def _arms(
    archive: Archive, state: State, known: Known, children: Sequence[Individual]
) -> Iterator[ArmRow]:
    choice = Agents.model_validate(archive.config["agents"]).choice
    remembered = recalled(state, "bandit")
    arms = bandit.arms_of(remembered)
    worths = bandit.worths(choice, remembered, list(arms))
    for name in sorted(arms, key=lambda name: (name != STRATEGY, name)):
        own = [one for one in children if (one.origin.arm if one.origin else STRATEGY) == name]
        gains = sum(_gained(one, known) for one in own)
        arm = arms[name]
        tokens = round(arm.cost * TOKENS)
        yield ArmRow(name, arm.pulls, arm.failed, len(own), gains, worths[name], tokens)


def _proposed(one: Individual) -> bool:
    return one.recipe.operator != FOUNDER and one.proposer != _BASELINE


def _gained(one: Individual, known: Known) -> bool:
    parents = fitness_of_parents(one, known)
    return one.evaluation is not None and one.fitness > max(parents, default=float("inf"))
