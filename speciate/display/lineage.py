"""The ancestors of one individual on a terminal, from it back to the founders."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from speciate.archive.index.index import Index
from speciate.branches import branches
from speciate.display.pen import Pen
from speciate.listing import Listing
from speciate.pedigree import Mention, Pedigree
from speciate.review.visible import visible

_PLAIN = frozenset({"", "model", "parent", "adapter"})
"""Roles that need not be told."""


@dataclass(frozen=True)
class Lineage:
    """A pedigree, to be drawn.

    Attributes:
        index: Of the archive.
        pedigree: Whom to draw.
        champion: Its id, if there is one yet.
        ancestors: How many there are.
    """

    index: Index
    pedigree: Pedigree
    champion: str | None
    ancestors: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Line by line."""
        mentions, listing = self.pedigree.mentions, Listing(self.index)
        rows = [one.row for one in mentions]
        pen = Pen(listing, rows, self.champion, ascii_only=options.ascii_only)
        above: set[str] = set()
        for line in branches(
            [0], self.pedigree.children, self._kept(listing), None, pen.ascii_only
        ):
            if line.key is None:
                yield pen.gap(line)
                continue
            one = mentions[line.key]
            role = "" if one.role in _PLAIN else visible(one.role)
            yield pen.line(line.guides, one.row, role, _more(one, one.row.id in above))
            above |= set() if one.again else {one.row.id}
        yield pen.legend()
        drawn = self.pedigree.drawn - 1
        if drawn < self.ancestors:
            words = f"{drawn:,} of {self.ancestors:,} ancestors; --depth 0 draws all"
            yield Text(words, style="dim")

    def _kept(self, listing: Listing) -> set[int]:
        return {
            place
            for place, one in enumerate(self.pedigree.mentions)
            if one.again or one.cut or one.role not in _PLAIN or one.row.id in listing.living
        } | {0}


def _more(one: Mention, above: bool) -> str:
    if one.again:
        return f"(its parents: {'above' if above else 'below'})"
    return f"({one.cut} more parent{'s' * (one.cut > 1)})" if one.cut else ""
