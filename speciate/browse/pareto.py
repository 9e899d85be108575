"""Two tasks against each other: everybody's scores, and who is on the front."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import Static
from textual.worker import get_current_worker

from speciate.browse.apart import Told, apart
from speciate.browse.cells import MARK, fit, fitness_of, made_by, name_of, style_of
from speciate.browse.lines import Lines
from speciate.browse.news import News
from speciate.browse.plots import Series, plot
from speciate.browse.rows import Rows
from speciate.browse.source import TROUBLE, Source

Point: TypeAlias = tuple[int, float, float]
"""An individual's number, and its scores on two tasks."""


def front(points: Iterable[Point], ups: tuple[bool, bool]) -> list[Point]:
    """Those that nobody dominates, best on the first task first; equal ones all count.

    Args:
        points: In any order.
        ups: Whether more is better, by task.
    """
    signs = [1 if up else -1 for up in ups]
    order = sorted(points, key=lambda one: (-signs[0] * one[1], -signs[1] * one[2], one[0]))
    found: list[Point] = []
    for one in order:
        if not found or signs[1] * one[2] > signs[1] * found[-1][2] or one[1:] == found[-1][1:]:
            found.append(one)
    return found


class Front(Lines):
    """Who is on the front."""

    NOTHING = "nobody has a score on both tasks"
    TOP = 1

    def __init__(self, rows: Rows) -> None:
        super().__init__("front")
        self.rows = rows
        self.points: Sequence[Point] = ()
        self.living: frozenset[int] = frozenset()
        self.marks: Sequence[int] = ()
        self.tasks = ("", "")

    @property
    def count(self) -> int:
        """See `Lines`."""
        return len(self.points)

    @property
    def current(self) -> int | None:
        """Number of whom the cursor stands on."""
        return self.points[self.cursor][0] if self.points else None

    def heading(self) -> Text:
        """Names of both tasks."""
        names = "  ".join(fit(task, 10, right=True) for task in self.tasks)
        return Text(f"  {fit('front', 10)}  {names}  fitness  made by")

    def drawn(self, line: int) -> Text:
        """One on the front, with both scores."""
        number, *scores = self.points[line]
        try:
            row = self.rows.get([point[0] for point in self.points], line)
        except (*TROUBLE, KeyError):  # The archive is gone or rewritten; the follower tells.
            return Text("…", style="dim")
        text = Text(style=style_of(row, number in self.living))
        text.append(f"{MARK} " if number in self.marks else "  ", style="bold dark_orange")
        values = "  ".join(f"{score:10.4f}" for score in scores)
        text.append(f"{fit(name_of(row), 10)}  {values}  {fitness_of(row):>7}  ")
        return text.append(fit(made_by(row), 24))


class Pareto(Container):
    """The plot, and the front as a list; its tasks and whom it compares can be chosen."""

    BINDINGS: ClassVar = [
        Binding("x", "task(0)", "Task across"),
        Binding("y", "task(1)", "Task up"),
        Binding("v", "living", "Living/all"),
    ]

    def __init__(self, source: Source, rows: Rows) -> None:
        super().__init__(id="pareto")
        self._source = source
        self.list = Front(rows)
        self._plot = Static(id="cloud", markup=False)
        self._news: News | None = None
        self._chosen: list[str] = []
        self._living = False

    def compose(self) -> ComposeResult:
        """The plot and the list."""
        yield self._plot
        yield self.list

    @property
    def current(self) -> int | None:
        """Number of whom the cursor stands on."""
        return self.list.current

    def told(self) -> str:
        """Which tasks, and who is compared."""
        if len(self._chosen) < 2:
            return "two tasks are needed, and there are not as many"
        who = "the living" if self._living else "all"
        across, up = (fit(task, min(20, len(task))) for task in self._chosen)
        return f"right: {across}, up: {up}; {who}; ● front, ◆ marked"

    def grown(self, news: News) -> None:
        """Draw who was scored meanwhile too."""
        self._news = news
        tasks = list(news.tasks)
        if not set(self._chosen) <= set(tasks) or len(self._chosen) < 2:
            self._chosen = tasks[:2]
        self.list.living = frozenset(news.living)
        self.redraw()

    def show(self, number: int) -> None:
        """Put the cursor on an individual, if it is on the front."""
        numbers = [point[0] for point in self.list.points]
        if number in numbers:
            self.list.go(numbers.index(number))

    def on_resize(self) -> None:
        """Fill the pane, as soon as its parts have their sizes."""
        self.call_after_refresh(self.redraw)

    def action_task(self, axis: int) -> None:
        """Take the next task for an axis that the other does not have."""
        tasks = list(self._news.tasks) if self._news else []
        if len(self._chosen) < 2:
            return
        free = [task for task in tasks if task != self._chosen[1 - axis]]
        place = (free.index(self._chosen[axis]) + 1) % len(free)
        self._chosen[axis] = free[place]
        self.redraw()

    def action_living(self) -> None:
        """Compare only the living, or all."""
        self._living = not self._living
        self.redraw()

    @apart
    def redraw(self) -> None:
        """Find the front, and draw it."""
        news, chosen, size = self._news, (*self._chosen,), self._plot.size
        if news is None or len(chosen) < 2 or min(size) < 6:
            return
        with self._source.reading() as archive:
            points: list[Point] = archive.index.pairs(*chosen)
        if self._living:
            points = [point for point in points if point[0] in self.list.living]
        ups = news.tasks[chosen[0]], news.tasks[chosen[1]]
        found = front(points, ups)
        drawn = self._drawn(points, found, ups, (size.width, size.height))
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._put, found, drawn)

    def _drawn(
        self,
        points: Sequence[Point],
        found: Sequence[Point],
        ups: tuple[bool, bool],
        size: tuple[int, int],
    ) -> Text:
        if not points:
            return Text("nobody has a score on both tasks", style="dim")
        marked = [point for point in points if point[0] in self.list.marks]
        series = [
            _series(points, "·"),
            _series(found, "●"),
            _series(marked, "◆"),
        ]
        turned = [axis for axis, up in zip("xy", ups, strict=True) if not up]
        return plot(series, size, not self.app.no_color, turned)

    def _put(self, found: Sequence[Point], drawn: Text) -> None:
        kept = self.current
        self.list.points, self.list.tasks = found, (self._chosen[0], self._chosen[1])
        self._plot.update(drawn)
        self.list.lines_changed(80)
        if kept is not None:
            self.show(kept)
        self.post_message(Told(self.told()))


def _series(points: Iterable[Point], sign: str) -> Series:
    places = dict.fromkeys(point[1:] for point in points)
    return Series([across for across, _ in places], [up for _, up in places], sign)
