"""A list of any length, of which only the lines in sight are drawn."""

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Subclasses say how many lines there are and what is on each; one is the cursor's."""

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,b", "page(-1)", "Page up", show=False),
        Binding("pagedown,f", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "open", "Detail"),
    ]
    COMPONENT_CLASSES: ClassVar = {"lines--cursor", "lines--heading"}
    NOTHING = "nothing here yet"
    TOP = 0  # lines of the heading, which stays

    class Moved(Message):
        """The cursor stands somewhere else, or on somebody else."""

    class Opened(Message):
        """More is wanted of what the cursor stands on."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.cursor = 0

    @property
    def count(self) -> int:
        """How many lines there are."""
        return 0

    def drawn(self, line: int) -> Text:
        """A line."""
        return Text(str(line))

    def heading(self) -> Text:
        """What stays above the lines, where `TOP` says that there is such."""
        return Text()

    def lines_changed(self, width: int) -> None:
        """To be called when there are more or fewer lines, or their width is another."""
        self.virtual_size = Size(width, self.count + self.TOP)
        self.cursor = max(0, min(self.cursor, self.count - 1))
        self.refresh()

    def go(self, line: int, middle: bool = False) -> None:
        """Put the cursor on a line, and the line in sight."""
        before, self.cursor = self.cursor, max(0, min(line, self.count - 1))
        top, rows = round(self.scroll_y), max(1, self.size.height - self.TOP)
        if middle:
            top = self.cursor - rows // 2
        elif self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + rows:
            top = self.cursor - rows + 1
        self.scroll_to(y=max(0, top), animate=False, force=True, immediate=True)
        for changed in (before, self.cursor):
            self.refresh_line(self.TOP + changed)
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """One line up or down."""
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """As many lines as are in sight."""
        self.go(self.cursor + by * max(1, self.size.height - self.TOP - 1))

    def action_jump(self, end: int) -> None:
        """To the first line, or the last."""
        self.go(self.count - 1 if end else 0)

    def action_open(self) -> None:
        """Ask for more of the cursor's line."""
        self.post_message(self.Opened())

    def on_click(self, event: object) -> None:
        """Where there is a mouse, it moves the cursor."""
        row = getattr(event, "y", 0) - self.TOP
        if row >= 0 and row + round(self.scroll_y) < self.count:
            self.go(row + round(self.scroll_y))

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        if self.count:
            self.call_after_refresh(self.go, self.cursor)

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        if y < self.TOP:
            return self._strip(self.heading(), self.get_component_rich_style("lines--heading"))
        line = round(self.scroll_y) + y - self.TOP
        if line < self.count:
            style = self.rich_style
            if line == self.cursor:
                style += self.get_component_rich_style("lines--cursor")
            return self._strip(self.drawn(line), style)
        said = self.NOTHING if not self.count and y == self.TOP else ""
        return self._strip(Text(said, style="dim"), self.rich_style)

    def _strip(self, text: Text, style: Style) -> Strip:
        left = round(self.scroll_x)
        whole = Strip(text.render(self.app.console)).apply_style(style)
        return whole.crop_extend(left, left + self.size.width, style)
