"""Text of an archive in columns: of a given width on the screen, and harmless."""

from rich.cells import cell_len, set_cell_size

from speciate.archive.index.rows import Row
from speciate.review.visible import visible
from speciate.words import SHORT

MARK, BEST = "●", "★"


def fit(text: str, width: int, right: bool = False) -> str:
    """Text as it is, in so many columns."""
    shown = visible(text)
    size = cell_len(shown)
    if size > width:
        return set_cell_size(shown, width - 1) + "…" if width > 0 else ""
    pad = " " * (width - size)
    return pad + shown if right else shown + pad


def name_of(row: Row) -> str:
    """A founder's name, or else the abbreviated id."""
    return row.name if row.name is not None else row.id[:SHORT]


def fitness_of(row: Row) -> str:
    """As text; "failed" if there is none."""
    return "failed" if row.fitness is None else f"{row.fitness:.4f}"


def made_by(row: Row) -> str:
    """The operator, or a founder's name."""
    return row.operator if row.name is None else f"founder {row.name}"


def style_of(row: Row, living: bool) -> str:
    """Bold for the living, dim for those that failed."""
    return "bold" if living else "dim" if row.fitness is None else ""
