"""Searching without rounds: a bounded number of children is under way at any time.

No generation waits for its slowest child. Usually that makes a search depend on who finishes
first; here results are taken in the order in which the children were proposed, so that a campaign
has one course on any cluster.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from speciate.configs import schema
from speciate.population.goals import Known
from speciate.population.randomness import Stream
from speciate.population.selection import Ranked
from speciate.population.strategies.breeder import Breeder, Searcher, distinct, ids
from speciate.records import Individual, Proposal, State


class Window(Searcher, ABC):
    """A window of children whose results are not known yet.

    With a lag of L and batches of B, the proposal of number n is made when the results of all
    those before n - L + 1 are known, rounded up to a multiple of B, and of no others.
    """

    config: schema.Windowed

    @property
    def evaluations(self) -> int:
        """Proposals in all."""
        return self.config.evaluations

    @property
    def steps(self) -> int:
        """See `Strategy.steps`."""
        return 1 + -(-self.evaluations // self.config.batch)

    def ask(self, state: State, known: Known) -> tuple[Proposal, ...] | None:
        """See `Strategy.ask`: fills the window."""
        if state.asked >= self.evaluations and not state.pending:
            return None
        members = self.ranked(state.members, known)
        made: list[Proposal] = []
        while len(state.pending) < self.config.lag and state.asked < self.evaluations:
            made.append(self.propose(state, members, known))
            state = state.asking(made[-1:])
        return tuple(made)

    @abstractmethod
    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """The next proposal.

        Args:
            state: With those made before it pending.
            members: Of the state, ranked.
            known: Everyone; nobody may be looked at whom the state does not name.
        """

    def due(self, state: State) -> int:
        """See `Strategy.due`."""
        return min(self.config.batch, len(state.pending))

    def tell(self, state: State, born: Sequence[Individual], known: Known) -> State:
        """See `Strategy.tell`: one after the other, so that batches change nothing here."""
        for one in born:
            state = self.entered(state, one, known)
        return replace(state, step=state.step + 1)

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """The state after a child's result is known; here the N best live."""
        return replace(state, members=self.survivors(state.members, one, known))


class WindowedBreeder(Window, Breeder):
    """Children of members, by crossover and mutation."""

    config: schema.WindowedBreeding

    def propose(self, state: State, members: Sequence[Ranked], known: Known) -> Proposal:
        """See `Window.propose`."""
        return self.bred(state.asked, lambda draws: self.parents(state, members, known, draws))

    @abstractmethod
    def parents(
        self, state: State, members: Sequence[Ranked], known: Known, draws: Stream
    ) -> Sequence[str]:
        """Whom the next child is made of: two, or the one there is.

        Args:
            state: See `propose`.
            members: See `propose`.
            known: See `propose`.
            draws: Random numbers of this proposal.
        """


class Contested(WindowedBreeder):
    """A child enters, and where they are too many one leaves, by a rule of the strategy's own."""

    def entered(self, state: State, one: Individual, known: Known) -> State:
        """See `Window.entered`."""
        if not distinct([one], state.members, known):
            return state
        pool = self.ranked([*state.members, one.id], known)
        if len(pool) > self.config.population:
            # Who breaks constraints stands last, and leaves before anybody.
            out = pool[-1][0] if pool[-1][1] < 0 else self.leaving(ids(pool)[::-1], known)
            pool = [entry for entry in pool if entry[0] != out]
        return replace(state, members=ids(pool))

    @abstractmethod
    def leaving(self, worst_first: Sequence[str], known: Known) -> str:
        """Who is to leave of these, the least fit of whom stands first."""
