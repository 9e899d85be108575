"""Fitness over the steps: the best of the living, and their mean."""

from rich.text import Text
from textual.widgets import Static
from textual.worker import get_current_worker

from speciate.browse.apart import apart
from speciate.browse.news import News
from speciate.browse.plots import Series, plot


class Curves(Static, can_focus=True):
    """A plot that fills the pane."""

    def __init__(self) -> None:
        super().__init__(id="curves", markup=False)
        self._news: News | None = None

    def told(self) -> str:
        """What this is."""
        return "upper curve: best fitness of the living; lower curve: their mean"

    def grown(self, news: News) -> None:
        """Draw the steps that were done meanwhile too."""
        self._news = news
        self._redraw()

    def on_resize(self) -> None:
        """Fill the pane."""
        self._redraw()

    @apart
    def _redraw(self) -> None:
        size = self.size.width, self.size.height
        steps = [one for one in (self._news.steps if self._news else ()) if one.best is not None]
        if min(size) < 8:
            return
        drawn = Text("no step with living members yet", style="dim")
        if steps:
            at = [float(one.step) for one in steps]
            best = Series(at, [one.best or 0.0 for one in steps])
            mean = Series(at, [one.mean or 0.0 for one in steps])
            drawn = plot((mean, best), size, not self.app.no_color)
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self.update, drawn)
