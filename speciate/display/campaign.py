"""Tables and trees on a terminal, from what the archive holds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from speciate.archive.index.rows import Row
from speciate.lineage import ancestors
from speciate.listing import Listing
from speciate.output import BREAKS as BREAKS
from speciate.output import plain_table as plain_table
from speciate.past import Forebear, licence_line, made_of
from speciate.records import Individual, source_digest
from speciate.review.visible import lines as visible_lines
from speciate.review.visible import visible
from speciate.words import EVOLVED, SHORT, describe, ended_early

if TYPE_CHECKING:
    from speciate.archive.archive import Archive
    from speciate.population.constraints import Violation
    from speciate.results import Comparison, Results
    from speciate.status import Status

Known = Mapping[str, Individual]
STEPS_OF_CHAMPION = 6
SPLITS = ("search", "validation", "test")


def status(found: "Status") -> Group:
    """How far a campaign is, how busy its workers are, and who lives."""
    archive, steps = found.archive, found.archive.index.steps()
    finished = ", finished" if archive.report is not None else ""
    best = f", best {steps[-1].best:.4f}" if steps and steps[-1].best is not None else ""
    lines = [
        f"{visible(str(archive.config['name']))}: step {found.step}{finished}, {found.individuals} "
        f"individuals, {found.failed} failed{best}"
    ]
    if found.stopped:
        lines.append(found.stopped)
    elif found.stale is not None:
        patience = archive.config["early_stopping"]["patience"]
        lines.append(f"{found.stale} children since the last new best; stops after {patience}")
    if found.workers:
        lines.append(f"since the last start: {found.workers.line()}")
    if found.estimated:
        lines.append(found.estimated.line())
    if found.constrained:
        count = len(found.breaking)
        breaks, mark = "breaks" if count == 1 else "break", f" ({BREAKS.strip()})" if count else ""
        lines.append(f"{count} of {len(found.living)} living {breaks} a constraint{mark}")
    if found.agents:
        lines.append(found.agents.line())
    rows = Listing(archive.index).table(found.living, marked=found.breaking)
    return Group(*map(Text, lines), rows)


def made_by(one: Individual) -> str:
    """The operator, with the digest of its source if an agent wrote it; or a founder's name."""
    operator, parameters = one.recipe.operator, one.recipe.parameters
    if operator == EVOLVED:
        return f"{EVOLVED} {source_digest(parameters['source'])[:SHORT]}"
    return f"founder {parameters.get('name')}" if operator == "founder" else operator


def fitness(one: Individual) -> str:
    """As text; "failed" if there is none."""
    return f"{one.fitness:.4f}" if one.evaluation else "failed"


def details(
    one: Individual,
    row: Row,
    known: Known,
    violations: "Sequence[Violation]" = (),
    pasts: Sequence[Forebear] = (),
) -> Group:
    """All of an individual, with the constraints that it breaks.

    Args:
        one: The individual.
        row: In the index.
        known: It and its parents by id.
        violations: What it breaks.
        pasts: Of the founders whose weights are in it.
    """
    table = plain_table("", " ")
    rows = {
        "id": one.id,
        "commit": row.hash,
        "born": f"step {one.step}, proposed by {one.proposer}",
        "family": f"generation {row.generation}, {row.children} "
        f"{'child' if row.children == 1 else 'children'}",
        "recipe": describe(one.recipe, known),
        "seed": str(one.recipe.seed),
        "weights": one.digest or "none",
        "licence": licence_line({past.name: past.licence for past in pasts}),
        "made of": made_of(pasts[0]) if row.name is not None and pasts else "",
        "fitness": fitness(one),
        "breaks": "\n".join(broken.text for broken in violations),
        "reason": one.reason,
        "error": one.error or "",
        **_origin(one),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, Text("\n".join(visible_lines(value))))
    for parent in one.recipe.parents:
        its = known[parent.id]
        words = f"{parent.id[:SHORT]}  {visible(made_by(its))}  {fitness(its)}"
        table.add_row(Text(visible(parent.role)), Text(words))
    scores = plain_table("task", "score", "metric ", "items")
    for task, score in (one.evaluation.scores if one.evaluation else {}).items():
        where, metric = Text(visible(task)), Text(visible(score.metric))
        scores.add_row(where, f"{score.value:.4f}", metric, str(len(score.items)))
    parts: list[RenderableType] = [table, "", scores] if one.evaluation else [table]
    if one.recipe.operator == EVOLVED:
        parts += ["", Text("Source", style="bold"), source(one.recipe.parameters["source"])]
    return Group(*parts)


def _origin(one: Individual) -> dict[str, str]:
    """What is told of an agent's proposal besides."""
    origin = one.origin
    if origin is None:
        return {}
    foretold = ""
    if origin.prediction is not None:
        foretold = f"{origin.prediction:.4f}{_missed(one, origin.prediction)}"
    return {
        "arm": f"{origin.arm}, prompt {origin.genome}",
        "predicted": foretold,
        "talk": origin.talk[:SHORT],
        "reviewed": origin.reviewer or "",
    }


def _missed(one: Individual, foretold: float) -> str:
    """By how much a prediction was wrong, if the fitness is known."""
    if one.evaluation is None:
        return ""
    side = "high" if foretold > one.fitness else "low"
    return f", too {side} by {abs(foretold - one.fitness):.4f}"


def source(text: str) -> Text:
    """The source of an operator, in colours where there are any."""
    from rich.syntax import Syntax  # Late: few commands show any.

    syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
    found = syntax.highlight("\n".join(visible_lines(text)))
    found.no_wrap, found.overflow = True, "ignore"
    return found


def final(archive: "Archive", found: "Results") -> RenderableType:
    """The last word of a campaign: scores, gains, the champion in words, and where to look."""
    report = archive.report or {}
    champion = str(report["champion"])
    parts: list[RenderableType] = [
        Text("Test split, mean per item", style="bold"),
        _scores(found),
        "",
        Text("Gain of the champion, paired bootstrap, 95% interval", style="bold"),
        _gains(found),
        *_overfitting(found),
    ]
    if found.stopped:
        parts += ["", Text(ended_early(found.stopped))]
    for task, (voters, value) in found.ensembles.items():
        parts.append(f"Majority vote of the best {voters} on {task}: {value:.4f}")
    parts += ["", Text(f"Champion {champion[:SHORT]}", style="bold")]
    parts += [Text(f"  {line}") for line in story(champion, archive.individuals)]
    folder = archive.folder
    parts += [
        "",
        Text("Look further", style="bold"),
        Text(f"  speciate show {folder} {champion[:SHORT]}"),
        Text(f"  speciate lineage {folder} {champion[:SHORT]}"),
        Text(f"  speciate verify {folder} {champion[:SHORT]}"),
        Text(f"  speciate export {folder} {champion[:SHORT]} MODEL_FOLDER"),
        Text(f"  git -C {folder} log --graph main"),
    ]
    return Group(*parts)


def story(name: str, known: Known) -> list[str]:
    """How an individual came to be, from itself back along its parents."""
    lines: list[str] = []
    for one in ancestors(name, known):
        if known[one].recipe.operator == "founder":
            continue
        if len(lines) == STEPS_OF_CHAMPION:
            return [*lines, "... and so on down to the founders"]
        lines.append(f"{one[:SHORT]}: {describe(known[one].recipe, known)}.")
    return lines or [f"{describe(known[name].recipe, known)}."]


def _scores(found: "Results") -> Table:
    table = plain_table("model", *(measure.name for measure in found.measures))
    for model in found.models:
        style = "bold" if model.name == "champion" else ""
        means = (f"{model.mean(measure.name):.4f}" for measure in found.measures)
        table.add_row(Text(visible(model.name)), *means, style=style)
    items = (str(len(found.models[0].items[measure.name])) for measure in found.measures)
    table.add_row("items", *items, style="dim")
    return table


def _overfitting(found: "Results") -> list[RenderableType]:
    """Fitness where selection looked, and where it did not."""
    if not found.fitness:
        return []
    splits = [one for one in SPLITS if one in found.fitness["champion"]]
    table = plain_table("fitness", *splits)
    for name, fitness in found.fitness.items():
        style = "bold" if name == "champion" else ""
        numbers = (f"{fitness[split]:.4f}" for split in splits)
        table.add_row(Text(visible(name)), *numbers, style=style)
    first, *champion = found.fitness.values()
    gains = (f"{best[split] - first[split]:+.4f}" for best in champion for split in splits)
    if champion:
        table.add_row("gain", *gains)
    title = "Gain where selection looked (search), and where it did not"
    return ["", Text(title, style="bold"), table]


def _gains(found: "Results") -> Table:
    first, second = dict.fromkeys(comparison.other for comparison in found.comparisons)
    table = plain_table("measure", f"over {first}, the best founder ", f"over the {second} ")
    for measure in found.measures:
        over = {one.other: one for one in found.comparisons if one.measure == measure.name}
        table.add_row(f"{measure.name}", _gain(over[first]), _gain(over[second]))
    return table


def _gain(one: "Comparison") -> Text:
    style = "green" if one.gain.is_clear else "red" if one.gain.high < 0 else ""
    return Text(f"{one.gain.mean:+.4f}  [{one.gain.low:+.4f}, {one.gain.high:+.4f}]", style=style)
