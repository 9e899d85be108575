"""Proposals on a terminal; nothing that a model wrote is obeyed by it."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciate.archive.drafts import Decision
from speciate.output import plain_table
from speciate.review.sheet import Entry, Kin, Sheet, decided
from speciate.review.trials import rows
from speciate.review.visible import lines, visible
from speciate.words import SHORT

_STYLES = {"+": "green", "-": "red"}


def entries(found: Sequence[Entry], everything: bool) -> RenderableType:
    """One line a proposal."""
    if not found:
        return "Nobody has proposed anything." if everything else "Nothing waits for review."
    more = ("decision ",) if everything else ()
    columns = ("number", "age", "kind ", "operator ", "proposer ", "predicted", "why ")
    table = plain_table(*columns, *more)
    for entry in found:
        table.add_row(*_row(entry), *((_decided(entry.decision),) if everything else ()))
    return table


def _row(entry: Entry) -> tuple[Text, ...]:
    draft = entry.draft
    foretold = draft.origin.prediction if draft.origin else None
    cells = (
        str(draft.number),
        _steps(entry.age),
        draft.kind,
        draft.recipe.operator,
        draft.proposer,
        "" if foretold is None else f"{foretold:.4f}",
        draft.why,
    )
    return tuple(Text(visible(cell)) for cell in cells)


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count != 1)}"


def _decided(decision: Decision | None) -> Text:
    if decision is None:
        return Text("waits", style="bold")
    return Text(visible(decided(decision)))


def sheet(found: Sheet) -> Group:
    """All about one proposal."""
    draft = found.entry.draft
    parts: list[RenderableType] = [_facts(found), ""]
    if found.parents:
        parts += [_parents(found.parents), ""]
    if draft.trials is not None:
        parts += [Text("Trials in the sandbox", style="bold")]
        parts += [Text(f"  {name}: {value}") for name, value in rows(draft.trials)]
        parts += [""]
    against = f", against {visible(found.name)}, the most similar" if found.nearest else ", all new"
    parts += [Text(f"What is proposed{against}", style="bold"), *_diff(found.diff)]
    if found.edit:
        parts += ["", Text("What the reviewer made of it", style="bold"), *_diff(found.edit)]
    return Group(*parts)


def _facts(found: Sheet) -> Table:
    draft, origin = found.entry.draft, found.entry.draft.origin
    foretold = origin.prediction if origin else None
    table = plain_table("", " ")
    values = {
        "number": f"{draft.number}, {_steps(found.entry.age)} old",
        "recipe": f"{draft.recipe.operator} {draft.recipe.id[:SHORT]}",
        "proposer": f"{draft.proposer} ({origin.arm})" if origin else draft.proposer,
        "predicted": "" if foretold is None else f"{foretold:.4f}",
        "reason": draft.reason,
        "review": draft.why,
    }
    for name, value in values.items():
        if value:
            table.add_row(name, Text("\n".join(lines(value))))
    table.add_row("decision", _decided(found.entry.decision))
    return table


def _parents(parents: Iterable[Kin]) -> Table:
    table = plain_table("parent ", "role ", "fitness", "fate ")
    for parent in parents:
        value = "" if parent.fitness is None else f"{parent.fitness:.4f}"
        table.add_row(Text(visible(parent.name)), Text(visible(parent.role)), value, parent.fate)
    return table


def _diff(rows: Iterable[str]) -> list[Text]:
    return [Text(row, style=_STYLES.get(row[:1], "")) for row in rows]
