"""All keys on one screen."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = {
    "Everywhere": {
        "1 ... 7": "tree, table, detail, diff, curves, Pareto, kinship; also tab",
        "up down": "move, also j k; page keys, home, end, also g G",
        "enter, esc": "the individual in full, and back",
        "m, u, d": "mark or unmark; unmark all; diff of the last two marked",
        "p, c, *": "go to the first parent, the first child, the champion",
        "t, ?, q": "light or dark; this help; quit, also with ctrl+c",
    },
    "Tree": {
        "+ - 0": "a level more, or less; all levels",
        "left right": "fold, unfold; space does either",
        "a, o, w": "only ancestors, only offspring, the whole tree",
    },
    "Table": {
        "/, esc": "filter, no filter: words in ids, operators, names, proposers,",
        "": "agents; or fitness > 0.5, operator = ties, error != none, TASK < 1",
        "s, r": "sort by the next column; reverse the order",
        "left right": "other columns, where they do not fit",
    },
    "Pareto, kinship": {
        "x, y": "another task to the right, upwards",
        "v": "the living or all; another measure of kinship",
    },
}
SIGNS = "● marked   ★ champion   ▸ folded   = shown above   bold: living   dim: failed"


class Help(ModalScreen[None]):
    """Any of these keys closes it."""

    BINDINGS: ClassVar = [
        Binding("question_mark,escape,q,enter", "dismiss", "Close", key_display="esc")
    ]

    def compose(self) -> ComposeResult:
        """The text."""
        text = Text()
        for title, keys in KEYS.items():
            text.append(f"{title}\n", style="bold")
            for key, what in keys.items():
                text.append(f"  {key:<11}", style="cyan").append(f"{what}\n")
        text.append(SIGNS, style="dim")
        with VerticalScroll(id="help"):
            yield Static(text, markup=False)
