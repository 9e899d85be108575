"""Everybody in a table, filtered while one types, and sorted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input
from textual.worker import get_current_worker

from speciate.archive.index.columns import columns
from speciate.archive.index.rows import Row
from speciate.browse.apart import Told, apart
from speciate.browse.cells import MARK, fit, fitness_of, made_by, style_of
from speciate.browse.filters import read_filter
from speciate.browse.lines import Lines
from speciate.browse.news import News
from speciate.browse.rows import Rows
from speciate.browse.source import TROUBLE, Source
from speciate.words import SHORT

_PAUSE_S = 0.15  # between the last key typed and the search


@dataclass(frozen=True)
class Column:
    """A column: its heading and width, SQL to sort by, and what is said of a row."""

    name: str
    width: int
    order: str
    value: Callable[[Row], str]
    right: bool = True
    values: tuple[str, ...] = ()


FIRST = (
    Column("id", SHORT, "id", lambda row: row.id[:SHORT], right=False),
    Column("step", 6, "step", lambda row: str(row.step)),
    Column("fitness", 8, "fitness", fitness_of),
    Column("made by", 16, "ifnull(name, operator)", made_by, right=False),
)
LAST = (
    Column("gen", 5, "generation", lambda row: str(row.generation)),
    Column("children", 9, "children", lambda row: str(row.children)),
    Column("proposer", 14, "proposer", lambda row: row.proposer, right=False),
    Column("agent", 20, "agent", lambda row: row.agent or "", right=False),
    Column("reason", 60, "reason", lambda row: row.error or row.reason, right=False),
)
BORN = Column("born", 0, "number", lambda row: str(row.number))


def score_column(task: str) -> Column:
    """A task's scores."""
    order = "(SELECT value FROM scores WHERE individual = number AND task = ?)"
    value = lambda row: f"{row.values[task]:.4f}" if task in row.values else ""  # noqa: E731
    return Column(task, max(6, min(12, len(task) + 1)), order, value, values=(task,))


class Individuals(Lines):
    """The rows of the table."""

    BINDINGS: ClassVar = [
        Binding("right,l", "side(12)", "Right", show=False),
        Binding("left,h", "side(-12)", "Left", show=False),
    ]
    NOTHING = "nobody matches; esc clears the filter"
    TOP = 1

    def __init__(self, rows: Rows) -> None:
        super().__init__("individuals")
        self.rows = rows
        self.numbers: Sequence[int] = ()
        self.columns: Sequence[Column] = (*FIRST, *LAST)
        self.sorted, self.falling = BORN, True
        self.living: frozenset[int] = frozenset()
        self.marks: Sequence[int] = ()

    @property
    def count(self) -> int:
        """See `Lines`."""
        return len(self.numbers)

    @property
    def width(self) -> int:
        """Of all columns."""
        return 2 + sum(column.width + 1 for column in self.columns)

    def action_side(self, by: int) -> None:
        """Other columns, where they do not fit."""
        self.scroll_relative(x=by, animate=False)

    def heading(self) -> Text:
        """Names of the columns; an arrow tells which sorts."""
        text = Text("  ")
        for one in self.columns:
            arrow = ("▼" if self.falling else "▲") if one.name == self.sorted.name else ""
            text.append(fit(one.name[: one.width - len(arrow)] + arrow, one.width, one.right) + " ")
        return text

    def drawn(self, line: int) -> Text:
        """One individual."""
        try:
            row = self.rows.get(self.numbers, line)
        except (*TROUBLE, KeyError):  # The archive is gone or rewritten; the follower tells.
            return Text("…", style="dim")
        text = Text(style=style_of(row, row.number in self.living))
        text.append(f"{MARK} " if row.number in self.marks else "  ", style="bold dark_orange")
        for one in self.columns:
            text.append(fit(one.value(row), one.width, one.right) + " ")
        return text


class Table(Vertical):
    """A filter above the rows."""

    BINDINGS: ClassVar = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("r", "reverse", "Reverse"),
        Binding("escape", "clear", "Clear filter", show=False),
    ]

    def __init__(self, source: Source, rows: Rows) -> None:
        super().__init__(id="table")
        self._source = source
        self.list = Individuals(rows)
        self._news: News | None = None
        self._current: int | None = None

    def compose(self) -> ComposeResult:
        """A line to type in, and the rows."""
        hint = "filter: words, or a condition such as fitness > 0.5 or operator = ties"
        yield Input(placeholder=hint, id="filter", compact=True, select_on_focus=False)
        yield self.list

    @property
    def current(self) -> int | None:
        """Number of whom the cursor stands on."""
        return self.list.numbers[self.list.cursor] if self.list.count else None

    def show(self, number: int) -> None:
        """Put the cursor on an individual, if it is listed."""
        self._current = number
        if number in self.list.numbers:
            self.list.go(self.list.numbers.index(number), middle=True)

    def grown(self, news: News) -> None:
        """List those who were born meanwhile too."""
        self._news = news
        self.list.columns = (*FIRST, *map(score_column, news.tasks), *LAST)
        self.list.living = frozenset(news.living)
        self.search()

    def told(self) -> str:
        """How many are listed, and in which order."""
        every = self._news.count if self._news else 0
        which = f"{self.list.count:,} of {every:,}" if self.list.count != every else f"{every:,}"
        order = "newest first" if self.list.falling else "oldest first"
        if self.list.sorted is not BORN:
            order = f"by {self.list.sorted.name}, {'falling' if self.list.falling else 'rising'}"
        return f"{which} individuals, {order}"

    @on(Input.Changed, "#filter")
    def _typed(self) -> None:
        self.set_timer(_PAUSE_S, self.search)

    @on(Input.Submitted, "#filter")
    def _entered(self) -> None:
        self.list.focus()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(Input).focus()

    def action_clear(self) -> None:
        """List everybody again, and go back to the rows."""
        self.query_one(Input).value = ""
        self.list.focus()

    def action_sort(self) -> None:
        """Sort by the next column."""
        every = [BORN, *self.list.columns]
        names = [column.name for column in every]
        self.list.sorted = every[(names.index(self.list.sorted.name) + 1) % len(every)]
        self.list.falling = self.list.sorted.right
        self.search()

    def action_reverse(self) -> None:
        """Turn the order around."""
        self.list.falling = not self.list.falling
        self.search()

    @apart
    def search(self) -> None:
        """Find whom the filter lets through, and list them."""
        worker, text = get_current_worker(), self.query_one(Input).value
        column = self.list.sorted
        way = "DESC" if self.list.falling else "ASC"
        order = f"{column.order} {way} NULLS LAST, number {way}"
        with self._source.reading() as archive:
            wanted = read_filter(text, columns(archive.index))
            found = archive.index.numbers(wanted.where, [*wanted.values, *column.values], order)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._list, found)

    def _list(self, numbers: Sequence[int]) -> None:
        """Keep the cursor on whom it was, and the line where it was on the screen."""
        kept = self._current if self._current is not None else self.current
        shift = self.list.cursor - round(self.list.scroll_y)
        self.list.numbers = numbers
        self.list.lines_changed(self.list.width)
        if kept is not None and kept in numbers:
            self.list.cursor = numbers.index(kept)
            top = max(0, self.list.cursor - shift)
            self.list.scroll_to(y=top, animate=False, force=True, immediate=True)
        self.list.refresh()
        self.post_message(Told(self.told()))
        self.list.post_message(Lines.Moved())

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._current = self.current
