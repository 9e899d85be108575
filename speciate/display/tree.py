"""The family tree on a terminal, from the founders down."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from speciate.archive.index.descent import Tree, rows_by_number
from speciate.archive.index.index import Index
from speciate.archive.index.rows import Row
from speciate.branches import Line, branches
from speciate.display.pen import Pen
from speciate.listing import Listing


@dataclass(frozen=True)
class FamilyTree:
    """A part of the family, to be drawn.

    Attributes:
        index: Of the archive.
        tree: Whom to draw.
        champion: If there is one yet.
        around: The one that it is about, if it is about one.
        depth: Levels to draw; all if None.
    """

    index: Index
    tree: Tree
    champion: Row | None
    around: Row | None = None
    depth: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Line by line."""
        lines = list(self._lines(options.ascii_only))
        rows = rows_by_number(self.index, [line.key for line in lines if line.key is not None])
        champion, wanted = (one.id if one else None for one in (self.champion, self.around))
        pen = Pen(Listing(self.index), rows.values(), champion, wanted, options.ascii_only)
        for line in lines:
            if line.key is None:
                yield pen.gap(line)
            else:
                row = rows[line.key]
                yield pen.line(line.guides, row, more=pen.mates(row))
        yield pen.legend()
        others = self.index.count() - len(self.tree)
        if others and self.around is None:
            yield Text(f"{others:,} others are not drawn; --all draws them", style="dim")

    def _lines(self, ascii_only: bool) -> Iterator[Line]:
        children: dict[int, list[int]] = {}
        for number, parent in self.tree.items():
            if parent is not None:
                children.setdefault(parent, []).append(number)
        living = {number for (number,) in self.index.ask("SELECT number FROM living")}
        kept = living | {one.number for one in (self.champion, self.around) if one}
        roots = [number for number, parent in self.tree.items() if parent is None]
        return branches(roots, children, kept | set(roots), self.depth, ascii_only)
