"""Who is asked next: the bandit of the agents against others, on a simulated campaign.

A population of twenty improves towards 1: a child is better than its better parent with a certain
chance, by a share of what is left, and else worse. Results come late, as with workers in parallel.
Agents are good (better children three times as often, and by more), poor (a third as often), bad
(always worse) or mute (no usable recipe, so that the strategy's stands).

Prints the tables of docs/agents-choice.md.
"""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from speciate.agents.bandit import STRATEGY, choose, gain, told
from speciate.configs.agents import Choice

POPULATION, TARGET = 20, 0.5
GOOD, POOR, BAD, MUTE = "good", "poor", "bad", "mute"
# Chance of a better child, and its mean size as a share of what is left.
ODDS = {STRATEGY: (0.1, 0.03), GOOD: (0.3, 0.06), POOR: (0.03, 0.03), BAD: (0.0, 0.0)}
LINE_UPS: dict[str, tuple[str, ...]] = {
    "good, bad, mute": (GOOD, BAD, MUTE),
    "bad": (BAD,),
    "bad, three families": tuple(f"{BAD}:{family}" for family in "abc"),
    "poor": (POOR,),
    "mute": (MUTE,),
    "8 bad, good last": (*(f"{BAD}{number}" for number in range(8)), GOOD),
}


class Chooser(Protocol):
    """What is compared."""

    def choose(self, arms: Sequence[str], slots: int) -> list[str]: ...

    def told(self, arm: str, gained: float | None) -> None: ...


@dataclass
class Ours:
    """The bandit of `speciate.agents`."""

    random: np.random.Generator
    settings: Choice = field(default_factory=Choice)
    state: Mapping[str, Any] = field(default_factory=dict)

    def choose(self, arms: Sequence[str], slots: int) -> list[str]:
        chosen, self.state = choose(self.settings, self.state, arms, slots, self.random)
        return chosen

    def told(self, arm: str, gained: float | None) -> None:
        self.state = told(self.settings, self.state, arm, gained, float(arm != STRATEGY))


@dataclass
class ByIndex:
    """The largest index, of equals at random; arms that were never chosen come first.

    Pulls are counted when chosen, or else all slots of one ask would go to one arm.
    """

    random: np.random.Generator
    epsilon: float = 0.0
    decay: float = 1.0
    bonus: float = 0.0
    asymmetric: bool = False
    pulls: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    largest: float = 0.0

    def choose(self, arms: Sequence[str], slots: int) -> list[str]:
        chosen = []
        for _ in range(slots):
            arm = self._next([STRATEGY, *arms])
            self.pulls[arm] = self.pulls.get(arm, 0.0) + 1
            chosen.append(arm)
        return chosen

    def told(self, arm: str, gained: float | None) -> None:
        self.largest = max(self.largest, gained or 0.0)
        reward = (gained or 0.0) / self.largest if self.largest else 0.0
        for name in self.pulls:
            self.pulls[name] *= self.decay
            self.sums[name] = self.sums.get(name, 0.0) * self.decay
        self.sums[arm] = self.sums.get(arm, 0.0) + (
            math.expm1(reward) if self.asymmetric else reward
        )

    def _next(self, arms: Sequence[str]) -> str:
        unseen = [arm for arm in arms if arm not in self.pulls]
        if unseen:
            return unseen[0]
        if self.random.random() < self.epsilon:
            return arms[int(self.random.integers(len(arms)))]
        total = sum(self.pulls.values())
        index = {
            arm: self.sums.get(arm, 0.0) / max(self.pulls[arm], 1e-9)
            + self.bonus * math.sqrt(2 * math.log(max(total, 1.0)) / max(self.pulls[arm], 1e-9))
            for arm in arms
        }
        best = [arm for arm in arms if index[arm] == max(index.values())]
        return best[int(self.random.integers(len(best)))]


CHOOSERS: dict[str, Callable[[np.random.Generator], Chooser]] = {
    "ours": Ours,
    "epsilon-greedy, 0.1": lambda random: ByIndex(random, epsilon=0.1),
    "UCB1": lambda random: ByIndex(random, bonus=1.0),
    "asymmetric UCB, decay 0.95": lambda random: ByIndex(
        random, epsilon=0.2, decay=0.95, bonus=1.0, asymmetric=True
    ),
}


@dataclass
class Campaign:
    """One simulated course: the share of evaluations of each arm, and when the target was met."""

    random: np.random.Generator
    odds: Mapping[str, tuple[float, float]]
    members: list[float] = field(default_factory=lambda: [0.0] * POPULATION)
    spent: list[str] = field(default_factory=list)
    reached: int | None = None

    def propose(self, arm: str) -> tuple[str, float, list[float]]:
        """Who made it, the fitness it will have and that of its parents."""
        maker = BAD if arm.startswith(BAD) else STRATEGY if arm == MUTE else arm
        chance, size = self.odds[maker]
        pairs = self.random.integers(POPULATION, size=(2, 3))
        parents = [max(self.members[place] for place in pair) for pair in pairs]
        better = self.random.random() < chance
        step = self.random.exponential(size if better else 0.1) * (1 if better else -1)
        return arm, max(parents) + step * (1 - max(parents)), parents

    def take(self, fitness: float) -> None:
        """The worst member leaves if the child is better."""
        self.members = sorted([*self.members, fitness])[1:]
        if self.reached is None and fitness >= TARGET:
            self.reached = len(self.spent)


def course(
    seed: int,
    chooser: Chooser,
    arms: Sequence[str],
    evaluations: int,
    lag: int,
    odds: Mapping[str, tuple[float, float]] = ODDS,
) -> Campaign:
    """A campaign in which the result of a proposal is known `lag` proposals later."""
    campaign = Campaign(np.random.default_rng([seed, 1]), odds)
    waiting: list[tuple[str, float, list[float]]] = []
    while len(campaign.spent) < evaluations:
        for arm in chooser.choose(arms, lag - len(waiting)):
            waiting.append(campaign.propose(arm))
            if arm == MUTE:
                chooser.told(arm, None)
                waiting[-1] = (STRATEGY, *waiting[-1][1:])
        arm, fitness, parents = waiting.pop(0)
        campaign.spent.append(arm)
        chooser.told(arm, gain(fitness, parents, campaign.members))
        campaign.take(fitness)
    return campaign


def shares(courses: Sequence[Campaign], first: int) -> np.ndarray[Any, Any]:
    """Of the first evaluations, what went to bad and poor agents, for each course."""
    return np.array(
        [np.mean([arm.startswith((BAD, POOR)) for arm in one.spent[:first]]) for one in courses]
    )


def met(courses: Sequence[Campaign], evaluations: int) -> str:
    """Median evaluations to the target, and how many courses did not reach it."""
    found = [evaluations if one.reached is None else one.reached for one in courses]
    never = sum(one.reached is None for one in courses)
    return f"{np.median(found):.0f}" + (f" ({never} never)" if never else "")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--lag", type=int, default=8)
    asked = parser.parse_args()

    def run(make: Callable[[np.random.Generator], Chooser], arms: Sequence[str]) -> list[Campaign]:
        return [
            course(seed, make(np.random.default_rng([seed, 0])), arms, asked.evaluations, asked.lag)
            for seed in range(asked.seeds)
        ]

    alone = run(Ours, ())
    print(f"strategy alone: {met(alone, asked.evaluations)} evaluations to {TARGET}\n")
    print("| agents | choice | bad of first 100 | worst seed | bad of all | to the target |")
    print("|---|---|---|---|---|---|")
    for label, arms in LINE_UPS.items():
        for name, make in CHOOSERS.items():
            courses = run(make, arms)
            early, late = shares(courses, 100), shares(courses, asked.evaluations)
            cells = [f"{early.mean():.1%}", f"{early.max():.0%}", f"{late.mean():.1%}"]
            print("|", " | ".join([label, name, *cells, met(courses, asked.evaluations)]), "|")


if __name__ == "__main__":
    main()
