"""Two individuals beside each other on a terminal."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from speciate.diff.difference import Difference
from speciate.diff.scores import Duel
from speciate.display.campaign import Known, fitness, made_by, plain_table
from speciate.records import FOUNDER
from speciate.review.visible import visible
from speciate.words import label

if TYPE_CHECKING:
    from speciate.diff.weights import Closeness

_OF_FOUNDERS = {"name", "digest"}
_LONGEST = 60
_MOST_FIELDS = 40
_TESTS = {
    "McNemar": "McNemar's exact test of right and wrong answers",
    "Wilcoxon": "Wilcoxon's signed ranks of graded scores",
}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def difference(found: Difference, known: Known) -> RenderableType:
    """All of it, one section after the other; `known` has the individuals and their kin."""
    names = [visible(label(one.id, known)) for one in (found.before, found.after)]
    parts: list[RenderableType] = [
        Text(f"From {names[0]} to {names[1]}", style="bold"),
        _common(found, known),
        "",
        _facts(found, names),
    ]
    if len(found.parents) > 0:
        parts += ["", _parents(found, names, known)]
    if found.source:
        parts += ["", Text("Source", style="bold"), _source(found.source)]
    parts += ["", *(_scores(found.duels, names) if found.duels else [_no_scores(found)])]
    parts += ["", _weights(found)]
    return Group(*parts)


def _common(found: Difference, known: Known) -> Text:
    if not found.common:
        return Text("no common ancestor")
    told = (
        f"{visible(label(one.id, known))} ({one.before} and {one.after})" for one in found.common
    )
    return Text(f"nearest common ancestors (generations back): {', '.join(told)}")


def _facts(found: Difference, names: Sequence[str]) -> Table:
    """Who they are, and fields of their recipes that differ."""
    table = plain_table("", *(f"{escape(name)} " for name in names))
    pair = (found.before, found.after)
    table.add_row("born", *(Text(f"step {one.step}, {visible(one.proposer)}") for one in pair))
    table.add_row("made by", *(Text(visible(made_by(one))) for one in pair))
    table.add_row("fitness", *(Text(fitness(one)) for one in pair))
    table.add_row("weights", *(Text((one.digest or "none")[:12]) for one in pair))
    told = {"operator"} | (_OF_FOUNDERS if FOUNDER in [p.recipe.operator for p in pair] else set())
    shown = [one for one in found.fields if one.name not in told]
    for one in shown[:_MOST_FIELDS]:
        table.add_row(Text(visible(one.name)), *map(_value, (one.before, one.after)))
    if len(shown) > _MOST_FIELDS:
        table.add_row("...", Text(f"{len(shown) - _MOST_FIELDS} more fields in --json"))
    return table


def _value(value: Any) -> Text:  # noqa: ANN401
    """In one line, and not too long a one."""
    if value is None:
        return Text("-")
    if isinstance(value, float):
        return Text(f"{value:.6g}")
    text = visible(value if isinstance(value, str) else json.dumps(value))
    return Text(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _parents(found: Difference, names: Sequence[str], known: Known) -> Table:
    table = plain_table("parent", *(f"in {escape(name)} " for name in names))
    for one in found.parents:
        parts = (Text(visible(", ".join(each)) or "-") for each in (one.before, one.after))
        table.add_row(Text(visible(label(one.id, known))), *parts)
    return table


def _source(lines: Iterable[str]) -> Text:
    shown = (Text(visible(line), style=_COLOURS.get(line[:1], "")) for line in lines)
    return Text("\n", no_wrap=True, overflow="ignore").join(shown)


def _no_scores(found: Difference) -> Text:
    failed = [one for one in (found.before, found.after) if one.evaluation is None]
    if failed:
        return Text(
            f"{failed[0].id[:10]} failed and has no scores: {visible(failed[0].error or '')}"
        )
    return Text("no task in common")


def _scores(duels: Sequence[Duel], names: Sequence[str]) -> list[RenderableType]:
    table = plain_table("task", *map(escape, names), "gain, 95% ", "won", "lost", "tied", "p")
    table.padding, table.columns[3].no_wrap = (0, 1, 0, 0), True
    for one in duels:
        table.add_row(
            Text(visible(one.task)),
            f"{one.before:.4f}",
            f"{one.after:.4f}",
            _gain(one),
            str(one.wins),
            str(one.losses),
            str(one.ties),
            f"{one.p_value:.2g}",
        )
    tests = dict.fromkeys(one.test for one in duels)
    return [table, Text("p: " + ", ".join(_TESTS[test] for test in tests))]


def _gain(one: Duel) -> Text:
    gain = one.gain
    if gain is None:
        return Text("one item only")
    style = "green" if gain.is_clear else "red" if gain.high < 0 else ""
    return Text(f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]", style=style)


def _weights(found: Difference) -> RenderableType:
    if found.same_weights:
        return Text("the weights are the same to the last byte")
    if found.weights is None:
        return Text("weights are not compared; --weights does, and rebuilds those not stored")
    whole, *parts = found.weights
    line = (
        f"weights: distance {_part(whole)} of the first one's length, "
        f"cosine {_number(whole.cosine)}; cosine of task vectors {_number(whole.kinship)}"
    )
    return Group(Text(line), "", _by_part(parts))


def _by_part(parts: "Sequence[Closeness]") -> Table:
    """Distances by blocks and kinds of modules, with the cosine of task vectors below each."""
    kinds = list(dict.fromkeys(one.module for one in parts))
    blocks = sorted({one.block for one in parts if one.block is not None})
    by_place = {(one.block, one.module): one for one in parts}
    table = plain_table("distance, cosine ", *(f"{kind} " for kind in kinds))
    for block in [*blocks, None]:
        row = [by_place.get((block, kind)) for kind in kinds]
        cells = (f"{_part(one)} {_number(one.kinship)}" if one else "" for one in row)
        table.add_row("outside" if block is None else f"block {block}", *cells)
    return table


def _part(one: "Closeness") -> str:
    return "-" if one.distance is None else f"{one.distance:.4f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
