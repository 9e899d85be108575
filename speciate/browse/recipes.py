"""Two recipes side by side."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from rich.table import Table
from rich.text import Text

from speciate.browse.cells import fit
from speciate.records import Individual
from speciate.review.visible import visible
from speciate.words import describe, label

_LONGEST = 200


def recipes(one: Individual, other: Individual, known: Mapping[str, Individual]) -> Table:
    """Fields of both recipes; those that differ are marked."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("", "", label(one.id, known), label(other.id, known)):
        table.add_column(Text(visible(heading)), overflow="fold")
    for name, *values in _fields(one, other, known):
        same = values[0] == values[1]
        cells = [Text(_short(value)) for value in values]
        sign = Text("" if same else "≠", style="dark_orange")
        table.add_row(sign, Text(visible(name)), *cells, style="dim" if same else "")
    return table


def _fields(
    one: Individual, other: Individual, known: Mapping[str, Individual]
) -> Iterator[tuple[str, str, str]]:
    pair = (one, other)
    yield "recipe", *_both(describe(each.recipe, known) for each in pair)
    yield "operator", *_both(each.recipe.operator for each in pair)
    rows = zip_longest(one.recipe.parents, other.recipe.parents)
    for place, parents in enumerate(rows, 1):
        named = (f"{label(p.id, known)} ({p.role})" if p else "" for p in parents)
        yield f"parent {place}", *_both(named)
    flat = [dict(_flat("", each.recipe.parameters)) for each in pair]
    for key in sorted({*flat[0], *flat[1]}):
        yield key, *_both(each.get(key, "") for each in flat)
    yield "seed", *_both(str(each.recipe.seed) for each in pair)
    yield "step", *_both(str(each.step) for each in pair)
    yield "proposer", *_both(each.proposer for each in pair)
    yield "fitness", *_both(f"{each.fitness:.4f}" if each.evaluation else "failed" for each in pair)


def _both(values: Iterator[str]) -> tuple[str, str]:
    first, second = values
    return first, second


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Parameters, tables among them, each value by its path."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), part)
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(_number, value))
    else:
        yield name, _number(value)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _short(text: str) -> str:
    return fit(text, _LONGEST).rstrip()
