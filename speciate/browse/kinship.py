"""How much the weights of the living have in common, as a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.color import Color
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.worker import get_current_worker

from speciate.archive.index.rows import Row
from speciate.browse.apart import apart
from speciate.browse.cells import fit, name_of
from speciate.browse.lines import Lines
from speciate.browse.news import News
from speciate.browse.source import Source

_LABEL = 11
_SHADES = " ░▒▓█"
# Dark blue over green to yellow: even in lightness, so that it reads without its hues too.
_STOPS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


@dataclass(frozen=True)
class Map:
    """Who is compared, and one matrix a measure."""

    rows: Sequence[Row]
    values: dict[str, Sequence[Sequence[float]]]

    def range(self, measure: str) -> tuple[float, float]:
        """Least and greatest between different individuals; NaN do not count."""
        found = [
            value
            for place, line in enumerate(self.values[measure])
            for other, value in enumerate(line)
            if place != other and value == value
        ]
        return min(found, default=0.0), max(found, default=0.0)


class KinshipMap(Lines):
    """A line for each of the living; the cursor is on a pair."""

    BINDINGS: ClassVar = [
        Binding("left,h", "side(-1)", "Left", show=False),
        Binding("right,l", "side(1)", "Right", show=False),
        Binding("v", "measure", "Measure"),
    ]

    TOP = 1

    def __init__(self, source: Source) -> None:
        super().__init__("kinship")
        self.NOTHING = f"not measured yet: run `speciate kinship {source.folder}`"
        self._source = source
        self._map = Map((), {})
        self._measure = "pearson"
        self._range = (0.0, 0.0)
        self._column = 0

    @property
    def count(self) -> int:
        """See `Lines`."""
        return len(self._map.rows)

    @property
    def current(self) -> int | None:
        """Number of whom the cursor's line belongs to."""
        return self._map.rows[self.cursor].number if self.count else None

    def told(self) -> str:
        """The pair under the cursor, and what the colours mean."""
        if not self.count:
            return self.NOTHING
        pair = [name_of(self._map.rows[place]) for place in (self.cursor, self._column)]
        value = self._map.values[self._measure][self.cursor][self._column]
        low, high = self._range
        return (
            f"{pair[0]} and {pair[1]}: {self._measure} {value:.4f}  (map: {low:.3f} to {high:.3f})"
        )

    def grown(self, _news: News) -> None:
        """Show those who live now, as far as they were measured."""
        if self.display:
            self._read()

    def on_show(self) -> None:
        """Whatever was measured meanwhile."""
        self._read()

    def show(self, number: int) -> None:
        """Put the cursor on an individual, if it lives."""
        numbers = [row.number for row in self._map.rows]
        if number in numbers:
            self.go(numbers.index(number))

    def heading(self) -> Text:
        """Names of the columns, where they are wide enough."""
        if self._width < 5:
            return Text()
        names = "".join(fit(name_of(row)[:4], 4) + " " for row in self._map.rows)
        return Text(" " * _LABEL + names)

    def drawn(self, line: int) -> Text:
        """One of the living and its kinship with all."""
        text = Text(fit(name_of(self._map.rows[line]), _LABEL - 1) + " ")
        for place, value in enumerate(self._map.values[self._measure][line]):
            here = (line, place) == (self.cursor, self._column)
            self._cell(text, value, own=line == place, here=here)
        return text

    def action_side(self, by: int) -> None:
        """The pair to the left or to the right."""
        self._column = max(0, min(self._column + by, self.count - 1))
        self.go(self.cursor)

    def action_measure(self) -> None:
        """The next measure."""
        every = list(self._map.values)
        if every:
            self._measure = every[(every.index(self._measure) + 1) % len(every)]
            self._put(self._map)

    @property
    def _width(self) -> int:
        """Of a cell: with a number, if there is room, or else only coloured."""
        room = (self.size.width - _LABEL - 2) // max(1, self.count)
        return 5 if room >= 5 else 2 if room >= 2 else 1

    def _cell(self, text: Text, value: float, own: bool, here: bool) -> None:
        low, high = self._range
        share = 0.0 if value != value else (value - low) / ((high - low) or 1.0)
        share = min(1.0, max(0.0, share))
        wide = self._width
        said = f"{value:.2f}".rjust(4).replace("0.", ".", 1).rjust(wide - 1) + " "
        if wide < 5 or own:
            said = ("·" if own else " ") * wide
        if self.app.no_color:
            shade = _SHADES[round(share * (len(_SHADES) - 1))]
            said = said if wide == 5 or own else shade * wide
            text.append("+" * wide if here and wide < 5 else said, Style(reverse=here))
            return
        style = Style() if own else _style(share)
        if here:
            said = "◆".center(wide) if wide < 5 else said
            style += Style(reverse=True, bold=True)
        text.append(said, style)

    @apart
    def _read(self) -> None:
        # They need numpy, which the first screen does not.
        from speciate.kinship_cache import read_kinship
        from speciate.population.kinship import MEASURES

        found = read_kinship(self._source.folder)
        with self._source.reading() as archive:
            living = archive.index.living()
        map_ = Map((), {})
        if found is not None:
            places = {id_: place for place, id_ in enumerate(found.ids)}
            rows = [row for row in living if row.id in places]
            moments = found.moments.of([places[row.id] for row in rows])
            values = {name: getattr(moments, name).tolist() for name in MEASURES}
            map_ = Map(rows, values if rows else {})
        if not get_current_worker().is_cancelled:
            self.app.call_from_thread(self._put, map_)

    def _put(self, map_: Map) -> None:
        kept, self._map = self.current, map_
        if self.count:
            self._range = map_.range(self._measure)
            self._column = min(self._column, self.count - 1)
        self.lines_changed(_LABEL + self._width * self.count)
        if kept is not None:
            self.show(kept)
        self.post_message(self.Moved())


def _style(share: float) -> Style:
    """Of a cell; what is written on it is readable."""
    place = share * (len(_STOPS) - 1)
    below = min(int(place), len(_STOPS) - 2)
    rest = place - below
    pairs = zip(_STOPS[below], _STOPS[below + 1], strict=True)
    red, green, blue = (one + (other - one) * rest for one, other in pairs)
    ink = Color.from_rgb(0, 0, 0) if share > 0.5 else Color.from_rgb(255, 255, 255)
    return Style(color=ink, bgcolor=Color.from_rgb(red, green, blue))
