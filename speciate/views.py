"""Several views of one campaign."""

from collections.abc import Mapping, Sequence

from speciate.evaluator.metered import Work
from speciate.records import Individual, State
from speciate.watch import View


class Views:
    """Implements `View` by telling several others, in order."""

    def __init__(self, views: Sequence[View]) -> None:
        """Takes the others."""
        self._views = views

    def candidate(self, done: int, total: int) -> None:
        """See `Watch.candidate`."""
        for view in self._views:
            view.candidate(done, total)

    def step(
        self, state: State, born: Sequence[Individual], known: Mapping[str, Individual]
    ) -> None:
        """See `Watch.step`."""
        for view in self._views:
            view.step(state, born, known)

    def engine(self, work: Work, busy: float) -> None:
        """See `View.engine`."""
        for view in self._views:
            view.engine(work, busy)

    def note(self, text: str) -> None:
        """See `View.note`."""
        for view in self._views:
            view.note(text)
