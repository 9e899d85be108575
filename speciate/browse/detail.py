"""The individual that the cursor stands on, in full; read apart from what draws the screen."""

from rich.console import RenderableType
from rich.text import Text
from textual.timer import Timer
from textual.worker import get_current_worker

from speciate.browse.apart import apart
from speciate.browse.source import TROUBLE, Source, one_line
from speciate.browse.texts import Scrolled

_PAUSE_S = 0.12  # A cursor that moves on needs no details of whom it has left.


class Detail(Scrolled):
    """Recipe in words, scores with intervals, parents, reason, agent and review."""

    def __init__(self, id: str, source: Source) -> None:
        super().__init__(id, "nobody chosen yet")
        self._source = source
        self._soon: Timer | None = None
        self.number: int | None = None

    def show(self, number: int) -> None:
        """Tell of an individual, unless another is asked for at once."""
        if number == self.number:
            return
        self.number = number
        if self._soon:
            self._soon.stop()
        self._soon = self.set_timer(_PAUSE_S, lambda: self._read(number))

    def told(self) -> str:
        """What this is."""
        return "intervals are bootstrapped over the items of the search split"

    @apart
    def _read(self, number: int) -> None:
        # Recipes in words and intervals need much that the first screen does not.
        from speciate.browse.telling import intervals, read_whole, told

        worker = get_current_worker()
        try:
            with self._source.reading() as archive:
                whole = read_whole(archive, number)
        except (*TROUBLE, KeyError) as error:
            self._put(Text(one_line(error), style="red"), number)
            return
        self._put(told(whole, None), number)
        found = intervals(whole.individual, lambda: not worker.is_cancelled)
        self._put(told(whole, found), number)

    def _put(self, drawn: RenderableType, number: int) -> None:
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._update, drawn, number)

    def _update(self, drawn: RenderableType, number: int) -> None:
        if number == self.number:
            self.put(drawn)
