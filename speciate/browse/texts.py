"""A pane that shows one long text, made apart from what draws the screen."""

from collections.abc import Iterator
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static


class Scrolled(VerticalScroll, can_focus=True):
    """A text that is scrolled where it is longer than the screen."""

    BINDINGS: ClassVar = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
    ]

    def __init__(self, id: str, hint: str) -> None:
        super().__init__(id=id)
        self._text = Static(Text(hint, style="dim"), markup=False)

    def compose(self) -> Iterator[Widget]:
        """The text."""
        yield self._text

    def put(self, drawn: RenderableType) -> None:
        """Show this instead."""
        self._text.update(drawn)
