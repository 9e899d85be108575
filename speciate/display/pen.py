"""Individuals as lines of a drawn tree."""

from collections.abc import Iterable

from rich.text import Text

from speciate.archive.index.rows import Row
from speciate.branches import Line
from speciate.display.shades import Shades
from speciate.listing import Listing
from speciate.review.visible import visible

_SIGNS = {"champion": "★", "lives": "●", "founder": "◆", "failed": "✗", "died": "·"}
_ASCII = {"champion": "*", "lives": "o", "founder": "#", "failed": "x", "died": "."}
_STYLES = {"champion": "bold yellow", "lives": "bold", "founder": "bold cyan", "failed": "dim"}
_DIRECTIONS = frozenset({"base"})


class Pen:
    """Writes what a tree tells of individuals, in one style."""

    def __init__(
        self,
        listing: Listing,
        rows: Iterable[Row],
        champion: str | None,
        wanted: str | None = None,
        ascii_only: bool = False,
    ) -> None:
        """Takes all who are drawn, for their range of fitness, and the ids of two to be marked."""
        self._listing, self._champion, self._wanted = listing, champion, wanted
        self._shades = Shades.of(row.fitness for row in rows)
        self.ascii_only = ascii_only
        self._signs = _ASCII if ascii_only else _SIGNS

    def line(self, guides: str, row: Row, role: str = "", more: str = "") -> Text:
        """Sign, name, fitness, and how it was made; then more."""
        fate, label = self._fate(row), visible(self._listing.labels(row.id))
        style = _STYLES.get(fate, "")
        wanted = " reverse" if row.id == self._wanted else ""
        name = Text.assemble((self._signs[fate], style), " ", (label, f"{style}{wanted}"))
        made = "" if row.name is not None else self._listing.made_by(row)
        text = Text.assemble((guides, "dim"), name, "  ")
        text += self._shades.drawn(row.fitness, self.ascii_only)
        words = "  ".join(part for part in (role, visible(made), more) if part)
        return _one_line(Text.assemble(text, "  ", words))

    def mates(self, row: Row) -> str:
        """The other parents that are more than directions."""
        models = [kin.id for kin in row.parents if kin.role not in _DIRECTIONS]
        others = dict.fromkeys(id_ for id_ in models[1:] if id_ != models[0])
        names = " ".join(visible(self._listing.labels(id_)) for id_ in others)
        return f"with {names}" if names else ""

    def gap(self, line: Line) -> Text:
        """What stands for several who are not drawn."""
        sign = ":" if self.ascii_only else "⋮"
        words = f"{line.folded} generations" if line.folded else f"{line.hidden} more below"
        return _one_line(Text(f"{line.guides}{sign} {words}", style="dim"))

    def legend(self) -> Text:
        """What the signs mean."""
        return Text("  ".join(f"{sign} {fate}" for fate, sign in self._signs.items()), style="dim")

    def _fate(self, row: Row) -> str:
        if row.id == self._champion:
            return "champion"
        if row.fitness is None:
            return "failed"
        if row.name is not None:
            return "founder"
        return "lives" if row.id in self._listing.living else "died"


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
