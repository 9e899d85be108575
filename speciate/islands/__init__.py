"""Islands: a campaign exchanges individuals with others that run elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from speciate.records import Individual, Proposal, State

Known = Mapping[str, Individual]


class Islands(Protocol):
    """Where migrants go, and where they come from."""

    def welcome(
        self, state: State, asked: Sequence[Proposal], known: Known
    ) -> tuple[Proposal, ...]:
        """The proposals, as many, with migrants instead of some.

        Ancestors of these that were not known are recorded at once.
        """

    def send(self, state: State, known: Known) -> None:
        """Sends emigrants after a step, if it is time to."""


class Alone:
    """The islands of a campaign that has none."""

    def welcome(self, _: State, asked: Sequence[Proposal], __: Known) -> tuple[Proposal, ...]:
        """See `Islands.welcome`: nobody comes."""
        return tuple(asked)

    def send(self, _: State, __: Known) -> None:
        """See `Islands.send`: nobody goes."""
