"""The terminal UI: views of an archive that share a cursor, marks and news."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeAlias

from rich.text import Text
from textual import on
from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Footer, Static

from speciate.archive.archive import Archive
from speciate.browse.apart import Told
from speciate.browse.curves import Curves
from speciate.browse.detail import Detail
from speciate.browse.diff import Diff
from speciate.browse.header import VIEWS, Tabs, Title
from speciate.browse.help import Help
from speciate.browse.kinship import KinshipMap
from speciate.browse.lines import Lines
from speciate.browse.news import Follower, Grown, News, Trouble
from speciate.browse.pareto import Pareto
from speciate.browse.rows import Rows
from speciate.browse.source import Source
from speciate.browse.table import Table
from speciate.browse.tree import Tree
from speciate.review.visible import visible

Pane: TypeAlias = Tree | Table | Detail | Diff | Curves | Pareto | KinshipMap

_STDIN = 0
_GONE_S = 2.0
_WIDE = 120
_BESIDE = ("tree", "table", "pareto", "kinship")
"""Views that leave room for the detail beside them."""


class Browser(App[None]):
    """Implements `speciate browse`."""

    TITLE = "speciate browse"
    CSS_PATH = "style.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        *(Binding(str(n), f"view('{name}')", name, show=False) for n, name in enumerate(VIEWS, 1)),
        Binding("tab", "turn(1)", "Next view", show=False, priority=True),
        Binding("shift+tab", "turn(-1)", "View before", show=False, priority=True),
        Binding("m", "mark", "Mark"),
        Binding("u", "unmark", "Unmark all", show=False),
        Binding("d", "view('diff')", "Diff", show=False),
        Binding("p", "kin('parent')", "Parent", show=False),
        Binding("c", "kin('child')", "Child", show=False),
        Binding("asterisk", "champion", "Champion", show=False),
        Binding("t", "theme", "Light/dark", show=False),
        Binding("escape", "leave", "Back", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, archive: Archive) -> None:
        # Without colours the terminal's own are used, and nothing is turned into greys.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._source = Source(archive)
        self._rows = Rows(self._source)
        self._follower = Follower(
            self._source,
            lambda news: self.post_message(Grown(news)),
            lambda reason: self.post_message(Trouble(reason)),
        )
        self._news: News | None = None
        self._marks: list[int] = []
        self._current: int | None = None
        self._view, self._before = "tree", "tree"
        self._reason, self._wrong = "", ""
        self._title, self._tabs = Title(str(archive.folder)), Tabs()
        self._status = Static(id="status", markup=False)

    def compose(self) -> Iterator[Widget]:
        """Everything; one view is seen at a time, with the detail beside it if there is room."""
        self.tree_, self.table = Tree(self._rows), Table(self._source, self._rows)
        self.detail, self.side = Detail("detail", self._source), Detail("side", self._source)
        self.diff, self.curves = Diff(self._source), Curves()
        self.pareto, self.kinship = Pareto(self._source, self._rows), KinshipMap(self._source)
        self._panes: tuple[Pane, ...] = (
            *(self.tree_, self.table, self.detail, self.diff),
            *(self.curves, self.pareto, self.kinship),
        )
        yield self._title
        yield self._tabs
        with Horizontal(id="body"):
            with ContentSwitcher(initial="tree", id="views"):
                yield from self._panes
            yield self.side
        yield self._status
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look at the archive."""
        if os.environ.get("COLORFGBG", "").endswith((";7", ";15")):
            self.theme = "textual-light"
        with_signals = asyncio.get_running_loop()
        with_signals.add_signal_handler(signal.SIGTERM, self.exit)
        if os.isatty(_STDIN):
            self.set_interval(_GONE_S, self._end_with_terminal)
        self.action_view("tree")
        self._follower.start()

    def _end_with_terminal(self) -> None:
        """Whose terminal is gone, and who was not told by a signal, must not read on for ever."""
        if not os.isatty(_STDIN):
            self.exit()

    def on_unmount(self) -> None:
        """Look no more."""
        self._follower.stop()

    @on(Grown)
    def _grown(self, message: Grown) -> None:
        news = self._news = message.news
        if news.anew:
            self._current = None
            self._marks.clear()
        self._rows.forget()
        self._title.show(news)
        for view in (self.tree_, self.table, self.curves, self.pareto, self.kinship):
            view.grown(news)
        self._moved()

    @on(Trouble)
    def _trouble(self, message: Trouble) -> None:
        self._reason = message.reason
        self._tell()

    @on(Told)
    def _told(self, message: Told) -> None:
        self._wrong = message.text if message.bad else ""
        self._tell()

    @on(Lines.Moved)
    def _moved(self) -> None:
        """The views follow the cursor of the one that is seen."""
        self._look()
        if self._current is not None and (self._wide or self._view == "detail"):
            (self.side if self._view != "detail" else self.detail).show(self._current)
        self._tell()

    @on(Lines.Opened)
    def _opened(self) -> None:
        self.action_view("detail")

    @on(Tabs.Chosen)
    def _chosen(self, message: Tabs.Chosen) -> None:
        self.action_view(message.view)

    @on(Resize)
    def _resized(self, event: Resize) -> None:
        self._lay_out(event.size.width)
        self._moved()

    def action_view(self, view: str) -> None:
        """Show a view, with its cursor on whom it was on in the last."""
        self._look()
        if view != self._view:
            self._before, self._view, self._wrong = self._view, view, ""
        self.query_one("#views", ContentSwitcher).current = view
        self._lay_out(self.size.width)
        pane = self._pane
        (pane.list if isinstance(pane, Table | Pareto) else pane).focus()
        if isinstance(pane, Diff):
            pane.show(self._marks)
        elif self._current is not None and hasattr(pane, "show"):
            pane.show(self._current)
        self._tell()

    def action_turn(self, by: int) -> None:
        """The next view, or the one before."""
        self.action_view(VIEWS[(VIEWS.index(self._view) + by) % len(VIEWS)])

    def action_leave(self) -> None:
        """From the detail or the diff to where one was."""
        if self._view in ("detail", "diff"):
            self.action_view(self._before if self._before not in ("detail", "diff") else "tree")

    def action_mark(self) -> None:
        """Mark the cursor's individual, or take the mark away."""
        self._look()
        if self._current in self._marks:
            self._marks.remove(self._current)
        elif self._current is not None:
            self._marks.append(self._current)
        self._mark()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self._marks.clear()
        self._mark()

    def action_kin(self, what: str) -> None:
        """Go to the first parent or child."""
        self._look()
        if self._current is None:
            return
        forest = self.tree_.forest
        children = forest.children(self._current)
        found = forest.parent(self._current) if what == "parent" else next(iter(children), None)
        if found is not None:
            self._go(found)

    def action_champion(self) -> None:
        """Go to the fittest."""
        if self._news and self._news.champion:
            self._go(self._news.champion.number)

    def action_theme(self) -> None:
        """From dark to light and back."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help())

    @property
    def _pane(self) -> Pane:
        every: Mapping[str, Pane] = {str(pane.id): pane for pane in self._panes}
        return every[self._view]

    @property
    def _wide(self) -> bool:
        return self.size.width >= _WIDE and self._view in _BESIDE

    def _lay_out(self, width: int) -> None:
        self.screen.set_class(width >= _WIDE and self._view in _BESIDE, "wide")

    def _look(self) -> None:
        """Whom the cursor is on: keys may come faster than the messages of the lists."""
        current = getattr(self._pane, "current", None)
        if current is not None:
            self._current = current

    def _go(self, number: int) -> None:
        """Put the cursor of the view that is seen on an individual."""
        self._current = number
        if hasattr(self._pane, "show") and not isinstance(self._pane, Diff):
            self._pane.show(number)
        self._moved()

    def _mark(self) -> None:
        for lines in (self.tree_, self.table.list, self.pareto.list):
            lines.marks = self._marks
            lines.refresh()
        if self._view == "pareto":
            self.pareto.redraw()
        self._tell()

    def _tell(self) -> None:
        """The line above the keys: what is wrong, or else what is seen."""
        said = self._wrong or self._reason
        self._status.set_class(bool(said), "bad")
        self._status.update(Text(visible(said or self._pane.told())))
        self._tabs.show(self._view, len(self._marks))
