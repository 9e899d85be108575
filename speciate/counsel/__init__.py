"""Agents in the loop: they are asked for some of the recipes that the strategy was to make."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from speciate.records import Individual, Proposal, State

Known = Mapping[str, Individual]
Settled = tuple[State, tuple[Proposal, ...]]


class Counsel(Protocol):
    """Replaces proposals by better ones, if it knows any, and learns what came of them."""

    def advise(self, state: State, asked: Sequence[Proposal], known: Known) -> Settled:
        """The proposals to make instead of those that the strategy makes, as many, in order.

        Args:
            state: That the strategy was asked with.
            asked: What it proposes.
            known: Everyone ever evaluated.

        Returns:
            The state with what agents remember now, and the proposals.
        """

    def learn(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """The state after the results of a step.

        Args:
            state: As the strategy made it, told of `born`.
            born: In the order in which they were proposed, failed ones among them.
            known: Everyone ever evaluated, `born` included.
        """


class Nobody:
    """The counsel of a campaign without agents."""

    def advise(self, state: State, asked: Sequence[Proposal], _: Known) -> Settled:
        """See `Counsel.advise`: all stays as it is."""
        return state, tuple(asked)

    def learn(self, state: State, _: Sequence[Individual], __: Known) -> State:
        """See `Counsel.learn`: nobody learns anything."""
        return state
