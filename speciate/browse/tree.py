"""The family tree: folded, zoomed, and walked along ancestors or offspring."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding

from speciate.archive.index.rows import Row
from speciate.browse.cells import BEST, MARK, fitness_of, made_by, name_of, style_of
from speciate.browse.forest import BASE, Folds, Forest, Outline, outline
from speciate.browse.lines import Lines
from speciate.browse.news import News
from speciate.browse.rows import Rows
from speciate.browse.source import TROUBLE
from speciate.review.visible import visible
from speciate.words import SHORT

_DEPTH = 4
_GUIDES = 12  # levels that are drawn; deeper ones would leave no room for names
_ALL = 10**9


class Tree(Lines):
    """Lines of the family tree: of all, of one individual's ancestors, or of its offspring."""

    BINDINGS: ClassVar = [
        Binding("right,l", "fold(True)", "Unfold", show=False),
        Binding("left,h", "fold(False)", "Fold", show=False),
        Binding("space", "fold_or_unfold", "Fold"),
        Binding("plus,equals_sign", "zoom(1)", "Depth", key_display="+-"),
        Binding("minus", "zoom(-1)", "Less depth", show=False),
        Binding("0", "whole_depth", "All levels", show=False),
        Binding("a", "follow('ancestors')", "Ancestors"),
        Binding("o", "follow('offspring')", "Offspring"),
        Binding("w", "follow('')", "Whole", show=False),
    ]
    NOTHING = "nobody was born yet"

    def __init__(self, rows: Rows) -> None:
        super().__init__("tree")
        self.rows = rows
        self.forest = Forest()
        self.folds = Folds(_DEPTH)
        self.shown = Outline()
        self.of: tuple[str, int] | None = None
        self.marks: Sequence[int] = ()
        self._news: News | None = None
        self._living: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """See `Lines`."""
        return len(self.shown.numbers)

    @property
    def current(self) -> int | None:
        """Number of whom the cursor stands on."""
        return self.shown.numbers[self.cursor] if self.count else None

    def told(self) -> str:
        """What is shown of the tree."""
        depth = "all levels" if self.folds.depth >= _ALL else f"{self.folds.depth} levels"
        what = (
            "family tree" if self.of is None else f"{self.of[0]} of the first line; w: whole tree"
        )
        return f"{what}, {depth}, {self.count:,} lines"

    def grown(self, news: News) -> None:
        """Take in who was born meanwhile."""
        if news.anew:
            self.forest, self.of, self.folds = Forest(), None, Folds(self.folds.depth)
        self._news = news
        self._living = frozenset(news.living)
        self.forest.grow(news.count, news.links)
        self._draw()

    def show(self, number: int) -> None:
        """Put the cursor on an individual, unfolding those above it."""
        if self.of is not None and number not in self.shown.numbers:
            self.of = None
        if number not in self.shown.numbers:
            self.folds = self.folds.revealing(self.forest.path(number)[:-1])
        self._draw(number, middle=True)

    def drawn(self, line: int) -> Text:
        """One individual, with its place in the tree."""
        text = Text(self._guide(line), style="not bold", end="")
        number = self.shown.numbers[line]
        sign = "= " if self.shown.again[line] else "▸ " if self.shown.folded[line] else ""
        try:
            row = self.rows.get(self.shown.numbers, line)
            others = self._others(row, line)
        except (*TROUBLE, KeyError):  # The archive is gone or rewritten; the follower tells.
            return text.append("…")
        text.append(sign, style="cyan")
        text.append(f"{MARK} " if number in self.marks else "", style="bold dark_orange")
        best = self._news.champion if self._news else None
        text.append(f"{BEST} " if best and best.number == number else "", style="bold dark_orange")
        style = style_of(row, number in self._living)
        text.append(f"{visible(name_of(row))}  {fitness_of(row)}", style=style)
        if row.name is None:
            text.append(f"  {visible(made_by(row))}", style="dim")
        return text.append(others, style="dim")

    def action_fold(self, show: bool) -> None:
        """Show what is below the cursor's line, or hide it, or else go to the line above."""
        line = self.cursor
        if not self.count:
            return
        level, number = self.shown.levels[line], self.shown.numbers[line]
        shows = self.folds.shows(number, level) and bool(self._below(number))
        if not show and not shows and self.shown.above[line] >= 0:
            self.go(self.shown.above[line])
            return
        self.folds = self.folds.toggled(number, show)
        self._draw(number, line=line)

    def action_fold_or_unfold(self) -> None:
        """Fold what is open, or unfold it."""
        if self.count:
            self.action_fold(self.shown.folded[self.cursor])

    def action_zoom(self, by: int) -> None:
        """Show a level more or less, and forget single folds."""
        depth = min(self.folds.depth, max(self.shown.levels, default=1) + 1)
        self.folds = Folds(max(1, depth + by))
        self._draw(self.current)

    def action_whole_depth(self) -> None:
        """Show all levels."""
        self.folds = Folds(_ALL)
        self._draw(self.current)

    def action_follow(self, what: str) -> None:
        """Show only the ancestors or the offspring of the cursor's individual, or all again."""
        number = self.current
        if number is None:
            return
        self.of = (what, number) if what else None
        self.folds = Folds(max(_DEPTH, self.folds.depth))
        if what:
            self._draw(number)
        else:
            self.show(number)

    def _below(self, number: int) -> Sequence[int]:
        below: dict[str, Callable[[int], Sequence[int]]] = {
            "ancestors": self.forest.parents,
            "offspring": self.forest.children,
        }
        return below[self.of[0]](number) if self.of else self.forest.hanging(number)

    def _draw(
        self, number: int | None = None, line: int | None = None, middle: bool = False
    ) -> None:
        """Lay the lines out anew, with the cursor on an individual: the one it is on, if none."""
        kept = self.current if number is None else number
        roots = self.forest.roots if self.of is None else [self.of[1]]
        self.shown = outline(roots, self._below, self.folds)
        self.lines_changed(200)
        place = self.cursor
        if line is not None:
            place = line
        elif kept is not None:
            place = self._place(kept)
        self.go(place, middle)

    def _place(self, number: int) -> int:
        """The line of an individual, or of the nearest above it that is shown."""
        lines = {shown: line for line, shown in reversed(list(enumerate(self.shown.numbers)))}
        for one in reversed(self.forest.path(number)):
            if one in lines:
                return lines[one]
        return 0

    def _guide(self, line: int) -> str:
        lasts = self.shown.guides(line)[1:]
        if not lasts:
            return ""
        hidden = max(0, len(lasts) - _GUIDES)
        start = f"⋯{hidden} " if hidden else ""
        above = "".join("  " if last else "│ " for last in lasts[hidden:-1])
        return start + above + ("└ " if lasts[-1] else "├ ")

    def _others(self, row: Row, line: int) -> str:
        """Parents besides the one that it hangs under."""
        above = self.shown.above[line]
        if self.of is not None or above < 0 or self._news is None:
            return ""
        under = self.rows.get(self.shown.numbers, above).id
        models = dict.fromkeys(kin.id for kin in row.parents if kin.role != BASE)
        others = [self._news.founders.get(id_, id_[:SHORT]) for id_ in models if id_ != under]
        return f"  with {visible(' '.join(others))}" if others else ""
