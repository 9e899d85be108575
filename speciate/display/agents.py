"""Agents on a terminal; nothing that a model wrote is obeyed by it."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciate.agents.calibration import Row
from speciate.agents.genomes import Genome
from speciate.counsel.standing import TOLERANCE, ArmRow, Standing
from speciate.output import plain_table
from speciate.review.visible import lines, visible
from speciate.words import SHORT

_DIFF_STYLES = {"+": "green", "-": "red", "@": "dim"}


def standing(found: Standing) -> Group:
    """All about the agents of a campaign."""
    parts: list[RenderableType] = [Text(found.line())]
    if found.approved:
        parts.append(Text(f"approved, and waiting for a slot: {found.approved}"))
    for name, step in sorted(found.resting.items()):
        parts.append(Text(f"endpoint '{visible(name)}' was silent and rests until step {step}"))
    parts += ["", _arms(found.arms)]
    if found.predictions:
        parts += ["", Text("Predictions", style="bold"), _predictions(found.predictions)]
    if found.prompts:
        parts += ["", Text("Prompts", style="bold"), _prompts(found.prompts)]
        parts += [Text("to roll back: speciate run ... --set 'agents.pinned=[\"VERSION\"]'")]
    for title, texts in (
        ("Insights", found.insights),
        ("Recommendations", found.recommendations),
        ("Latest answers without a recipe", _refusals(found)),
    ):
        if texts:
            parts += ["", Text(title, style="bold"), *(Text(f"  {visible(one)}") for one in texts)]
    return Group(*parts)


def prompt(one: Genome, template: str, parent: str | None) -> Group:
    """A version of a prompt: what became of it, its words, and what is new in them."""
    made = f"made from {one.parent}" if one.parent else "shipped"
    state = "" if one.active else ", answers no more"
    sampling = "".join(f", {visible(key)} {value:g}" for key, value in one.sampling.items())
    head = f"{one.name}, {one.role}, {made}{sampling}; {one.calls} calls, score {one.score:.2f}"
    parts = [Text(head + state, style="bold"), Text(), *_whole(lines(template))]
    if parent is not None:
        parts += [Text(), Text(f"Against {one.parent}", style="bold"), *_diff(parent, template)]
    return Group(*parts)


def changed(parent: str, template: str) -> list[str]:
    """A unified diff without its header."""
    return list(difflib.unified_diff(lines(parent), lines(template), lineterm="", n=1))[2:]


def talk(digest: str, content: Mapping[str, Any]) -> Group:
    """A conversation."""
    usage = content["usage"]
    spent = f"{usage['input']:,} tokens asked, {usage['output']:,} answered"
    parts = [Text(f"{digest[:SHORT]}: {content['replies']} replies, {spent}")]
    for message in content["messages"]:
        parts += [Text(), Text(visible(message["role"]), style="bold")]
        parts += _whole(lines(message["content"]))
    return Group(*parts)


def _arms(rows: Sequence[ArmRow]) -> Table:
    table = plain_table("arm ", "asked", "failed", "born", "gains", "worth", "tokens")
    for one in rows:
        counts = (one.asked, one.failed, one.born, one.gains)
        cells = (*map(str, counts), f"{one.worth:.3f}", f"{one.tokens:,}")
        table.add_row(Text(visible(one.arm)), *cells)
    return table


def _predictions(rows: Iterable[Row]) -> Table:
    within = f"within {TOLERANCE:g}"
    table = plain_table("arm ", "outcomes", "bias", "error", "correlation", within, "Brier")
    for one in rows:
        share = "" if one.within is None else f"{one.within:.0%}"
        numbers = (f"{one.bias:+.4f}", f"{one.error:.4f}", _number(one.correlation), share)
        table.add_row(Text(visible(one.arm)), str(one.count), *numbers, _number(one.brier))
    return table


def _prompts(rows: Iterable[Genome]) -> Table:
    table = plain_table("version ", "role ", "made from ", "calls", "score", "answers ")
    for one in rows:
        made = one.parent or ("shipped" if one.template is None else "")
        answers = "yes" if one.active else "no"
        table.add_row(one.name, one.role, made, str(one.calls), f"{one.score:.2f}", answers)
    return table


def _refusals(found: Standing) -> list[str]:
    return [
        f"step {step}, {one.arm}: {one.error}" + (f" ({one.talk[:SHORT]})" if one.talk else "")
        for step, one in found.refusals
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _whole(texts: Iterable[str]) -> list[Text]:
    return [Text(f"  {one}") for one in texts]


def _diff(parent: str, template: str) -> list[Text]:
    return [Text(f"  {one}", _DIFF_STYLES.get(one[:1], "")) for one in changed(parent, template)]
