"""Individuals in lists: which columns they have, for people and for programs."""

import csv
import io
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from typing import Any

from rich.table import Table
from rich.text import Text

from speciate.archive.index.columns import LIVING, columns
from speciate.archive.index.condition import column
from speciate.archive.index.index import Index
from speciate.archive.index.labels import Labels
from speciate.archive.index.rows import Row
from speciate.output import BREAKS, plain_table
from speciate.records import FOUNDER
from speciate.review.visible import visible
from speciate.words import EVOLVED, SHORT

PARENTS, MADE_BY = "parents", "made_by"
DEFAULT = ("id", "step", "fitness", MADE_BY, PARENTS)
_TITLES = {MADE_BY: "made by", PARENTS: "from"}
_NUMBERS = frozenset({"number", "step", "fitness", "generation", "children"})
_LONGEST = 60


class Listing:
    """Tells individuals of one archive, column by column."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.labels = Labels(index)

    @cached_property
    def names(self) -> Sequence[str]:
        """Of all columns: those that can be asked for, and two that are only shown."""
        return [*columns(self._index), PARENTS, MADE_BY]

    @cached_property
    def living(self) -> frozenset[str]:
        """Ids of the population."""
        return frozenset(row.id for row in self._index.living())

    def chosen(self, text: str) -> list[str]:
        """Columns, named with commas between.

        Raises:
            UsageError: There is none of a name.
        """
        known = dict.fromkeys(self.names, "")
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            column(name, known, "--columns")
        return names

    def made_by(self, row: Row) -> str:
        """The operator, with the digest of its source if an agent wrote it; or a founder's name."""
        if row.operator == EVOLVED and row.source:
            return f"{EVOLVED} {row.source[:SHORT]}"
        return f"{FOUNDER} {row.name}" if row.name is not None else row.operator

    def value(self, row: Row, name: str) -> Any:  # noqa: ANN401
        """A column of an individual, as a JSON value."""
        if name == PARENTS:
            return parents(row)
        if name == MADE_BY:
            return self.made_by(row)
        if name == LIVING:
            return row.id in self.living
        if name in Row.__dataclass_fields__:
            return getattr(row, name)
        return row.values.get(name, row.values.get(name.removeprefix("task.")))

    def json(self, row: Row, names: Sequence[str]) -> dict[str, Any]:
        """Columns by name; if none are named, the usual ones and every score."""
        if names:
            return {name: self.value(row, name) for name in names}
        usual = ("hash", "generation", "children", LIVING, "name", "proposer", "agent", "reviewer")
        more = {name: self.value(row, name) for name in (*usual, "error")}
        return brief(row) | more | {"scores": dict(row.values)}

    def csv(self, rows: Sequence[Row], names: Sequence[str]) -> str:
        """A table with a header. Each text is one line, and holds nothing that terminals obey."""
        text = io.StringIO()
        write = csv.writer(text, lineterminator="\n").writerow
        write(map(visible, names))
        for row in rows:
            write([self._csv(row, name) for name in names])
        return text.getvalue()

    def table(
        self, rows: Sequence[Row], names: Sequence[str] = DEFAULT, marked: Container[str] = ()
    ) -> Table:
        """For people; the ids of some can be marked as breaking a constraint."""
        table = plain_table(*(self._title(name) for name in names))
        for row in rows:
            mark = BREAKS * (row.id in marked)
            cells = (self._cell(row, name) + mark * (name == "id") for name in names)
            table.add_row(*map(Text, cells), style="dim" if row.fitness is None else "")
        return table

    def lines(self, rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
        """A table of very many, which takes a tenth of the time and does not fit the terminal."""
        titles = [self._title(name) for name in names]
        cells = [titles, *([self._cell(row, name) for name in names] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            pairs = zip(line, widths, titles, strict=True)
            yield "  ".join(f"{c:{'<' if t.endswith(' ') else '>'}{w}}" for c, w, t in pairs)

    def _title(self, name: str) -> str:
        """A blank at the end says that it holds no numbers."""
        title = visible(_TITLES.get(name, name))
        is_text = name in Row.__dataclass_fields__.keys() - _NUMBERS or name in _TITLES
        return f"{title} " if is_text or name == LIVING else title

    def _csv(self, row: Row, name: str) -> object:
        if name == PARENTS:
            return " ".join(kin.id for kin in row.parents)
        value = self.value(row, name)
        if isinstance(value, bool):
            return int(value)
        return visible(value) if isinstance(value, str) else value

    def _cell(self, row: Row, name: str) -> str:
        value = self.value(row, name)
        if name == "id":
            return self.labels.short(row.id)
        if name == "fitness":
            return fitness(row)
        if name == PARENTS:
            return " ".join(
                visible(self.labels(id_)) for id_ in dict.fromkeys(kin.id for kin in row.parents)
            )
        if value is None or isinstance(value, bool):
            return "yes" if value else ""
        return f"{value:.4f}" if isinstance(value, float) else shortened(name, value)


def shortened(name: str, value: object) -> str:
    """Digests as ids are, and other text as far as it fits a line."""
    text = visible(str(value))
    if name in ("hash", "digest", "source"):
        return text[:SHORT]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def fitness(row: Row) -> str:
    """As text; "failed" if there is none."""
    return "failed" if row.fitness is None else f"{row.fitness:.4f}"


def parents(row: Row) -> list[dict[str, str]]:
    """Ids and roles, as JSON values."""
    return [{"id": kin.id, "role": kin.role} for kin in row.parents]


def brief(row: Row) -> dict[str, Any]:
    """What every command tells of an individual, as JSON values."""
    return {
        "id": row.id,
        "step": row.step,
        "operator": row.operator,
        "fitness": row.fitness,
        "parents": parents(row),
    }
