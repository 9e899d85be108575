"""The two lines on top: which campaign, and which view."""

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static

from speciate.browse.cells import fit
from speciate.browse.news import News

VIEWS = ("tree", "table", "detail", "diff", "curves", "pareto", "kinship")


class Title(Static):
    """Name, step, how many, and how good."""

    def __init__(self, name: str) -> None:
        super().__init__(Text(f" {fit(name, 40).rstrip()}: reading ..."), id="title", markup=False)

    def show(self, news: News) -> None:
        """What the archive holds by now."""
        text = Text(" ")
        text.append(fit(news.name, min(24, len(news.name))), style="bold")
        state = "finished" if news.finished else f"step {news.step}"
        text.append(f"  {state}  {news.count:,} born, {news.failed:,} failed")
        if news.champion and news.champion.fitness is not None:
            text.append(f"  best {news.champion.fitness:.4f}")
        self.update(text)


class Tabs(Static):
    """Names of the views behind their numbers; where there is a mouse, it may choose."""

    class Chosen(Message):
        """A view is wanted."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    def __init__(self) -> None:
        super().__init__(id="tabs", markup=False)
        self._ends: dict[str, int] = {}

    def show(self, view: str, marks: int) -> None:
        """Which view is on the screen, and how many are marked."""
        text = Text(" ")
        for number, name in enumerate(VIEWS, 1):
            style = "reverse bold" if name == view else ""
            text.append(f" {number} {name.capitalize()} ", style=style)
            self._ends[name] = len(text)
        if marks:
            text.append(f" ● {marks}", style="bold dark_orange")
        self.update(text)

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        for name, end in self._ends.items():
            if event.x < end:
                self.post_message(self.Chosen(name))
                return
