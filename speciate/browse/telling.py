"""All that is told of an individual, line by line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciate.archive.archive import Archive
from speciate.archive.index.rows import Row
from speciate.browse.cells import fit, fitness_of
from speciate.evaluator.statistics import Gain
from speciate.records import Individual
from speciate.review.visible import lines as visible_lines
from speciate.review.visible import visible
from speciate.words import EVOLVED, SHORT, describe, label

_TASK = 16
_DIGEST = 32


@dataclass(frozen=True)
class Whole:
    """An individual, and what the index knows of it and its parents.

    Attributes:
        row: In the index.
        individual: With recipe and scores per item.
        parents: By id.
    """

    row: Row
    individual: Individual
    parents: Mapping[str, Individual]


def read_whole(archive: Archive, number: int) -> Whole:
    """All of an individual, and those of its parents that have names.

    Raises:
        DamageError: One is not what was recorded.
        KeyError: There is no such number.
    """
    [row] = archive.index.at([number])
    parents = {kin.id: archive.index.row(kin.id) for kin in row.parents}
    named = {id_: archive.individual(id_) for id_, one in parents.items() if one.name is not None}
    return Whole(row, archive.individual(row.id), named)


def intervals(one: Individual, going_on: Callable[[], bool]) -> dict[str, Gain]:
    """Bootstrap intervals of the mean scores, by task; takes seconds for thousands of items.

    Args:
        one: Whose.
        going_on: Asked between tasks; if not, the rest is left out.
    """
    from speciate.evaluator.statistics import paired_gain

    found = {}
    for task, score in (one.evaluation.scores if one.evaluation else {}).items():
        if not going_on():
            break
        if len(score.items) > 1:
            nothing = [0.0] * len(score.items)
            found[task] = paired_gain(score.items, nothing, higher_is_better=True)
    return found


def told(whole: Whole, found: Mapping[str, Gain] | None) -> RenderableType:
    """An individual in words; without intervals while these are computed."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _facts(whole):
        if value:
            table.add_row(Text(visible(name)), Text("\n".join(visible_lines(value))))
    parts: list[RenderableType] = [table]
    if whole.individual.evaluation:
        parts += [Text(), _scores(whole.individual, found)]
    if whole.row.operator == EVOLVED:
        source = str(whole.individual.recipe.parameters.get("source", ""))
        parts += [Text("\nSource", style="bold"), Text("\n".join(visible_lines(source)))]
    return Group(*parts)


def _facts(whole: Whole) -> Iterator[tuple[str, str]]:
    row, one = whole.row, whole.individual
    yield "id", row.id
    yield "commit", row.hash
    yield "born", f"step {row.step}, generation {row.generation}, proposed by {row.proposer}"
    yield "recipe", describe(one.recipe, whole.parents)
    yield "fitness", fitness_of(row)
    yield "error", row.error or ""
    yield "reason", row.reason
    for parent in one.recipe.parents:
        named = f"  {label(parent.id, whole.parents)}" if parent.id in whole.parents else ""
        yield parent.role, parent.id[:SHORT] + named
    yield "children", str(row.children)
    yield from _origin(one)
    yield "weights", (row.digest or "none")[:_DIGEST]
    yield "seed", str(one.recipe.seed)


def _origin(one: Individual) -> Iterator[tuple[str, str]]:
    """What is told of an agent's proposal besides."""
    origin = one.origin
    if origin is None:
        return
    yield "agent", f"{origin.arm}, prompt {origin.genome}"
    if origin.prediction is not None:
        yield "foretold", f"{origin.prediction:.4f}"
    yield "talk", origin.talk[:SHORT]
    yield "reviewed", origin.reviewer or "by nobody"


def _scores(one: Individual, found: Mapping[str, Gain] | None) -> Text:
    scores = one.evaluation.scores if one.evaluation else {}
    width = min(_TASK, max(4, *map(len, scores), 0))
    text = Text()
    text.append(f"{fit('task', width)}  score   {fit('95% interval', 16)}  items  metric\n", "bold")
    for task, score in scores.items():
        interval = "..." if found is None else "one item only"
        if found is not None and task in found:
            interval = f"[{found[task].low:.4f}, {found[task].high:.4f}]"
        numbers = f"{score.value:.4f}  {fit(interval, 16)}  {len(score.items):5d}"
        text.append(f"{fit(task, width)}  {numbers}  {visible(score.metric)}\n")
    return text
