"""Commands that read an archive; all work while a campaign runs in it.

Each imports what it needs by itself: git, tables and statistics take longer than most commands.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from speciate.output import Json, emit
from speciate.records import Individual

if TYPE_CHECKING:
    from speciate.population.constraints import Violation

Folder = Annotated[Path, typer.Argument(help="Folder of the campaign.", metavar="DIR")]
Id = Annotated[str, typer.Argument(help="Id of an individual or commit; its beginning is enough.")]


def status(folder: Folder, as_json: Json = False) -> None:
    """How far a campaign is, who lives, and how busy its workers are."""
    from speciate import display
    from speciate.archive.archive import Archive
    from speciate.status import status_of

    found = status_of(Archive.open(folder))
    members = [_short(one) | _violations(found.broken[one.id]) for one in found.living]
    emit(as_json, found.to_json() | {"members": members}, display.status(found))


def log(
    folder: Folder,
    limit: Annotated[int, typer.Option(help="How many, newest first; 0 for all.")] = 30,
    as_json: Json = False,
) -> None:
    """Individuals, newest first."""
    from speciate import display
    from speciate.archive.archive import Archive

    known = Archive.open(folder).individuals
    newest = list(known.values())[::-1]
    rows = newest[:limit] if limit > 0 else newest
    emit(as_json, [_short(one) for one in rows], display.individuals(rows, known))


def tree(
    folder: Folder,
    depth: Annotated[int, typer.Option(min=1, help="Generations to draw.")] = 20,
    as_json: Json = False,
) -> None:
    """The family tree from the founders down; the living are bold."""
    from speciate import display
    from speciate.archive.archive import Archive

    archive = Archive.open(folder)
    known, living = archive.individuals, archive.state.members if archive.state else ()
    value = {name: [parent.id for parent in one.recipe.parents] for name, one in known.items()}
    emit(as_json, value, display.phylogeny(known, living, depth))


def show(folder: Folder, id_: Id, as_json: Json = False) -> None:
    """All about one individual."""
    from speciate import display
    from speciate.archive.archive import Archive
    from speciate.goals import goals_of
    from speciate.words import describe

    archive = Archive.open(folder)
    name = archive.resolve(id_)
    one, commit = archive.individuals[name], archive.commit_of(name)
    broken = goals_of(archive.config).violations(one, archive.individuals)
    value = _short(one) | {
        "commit": commit,
        "recipe": one.recipe.to_json(),
        "words": describe(one.recipe, archive.individuals),
        "digest": one.digest,
        "proposer": one.proposer,
        "reason": one.reason,
        "origin": one.origin.to_json() if one.origin else None,
        "error": one.error,
        "fingerprint": one.evaluation.fingerprint if one.evaluation else None,
        "scores": {
            task: score.to_json() | {"value": score.value}
            for task, score in (one.evaluation.scores if one.evaluation else {}).items()
        },
    }
    drawn = display.details(one, commit, archive.individuals, broken)
    emit(as_json, value | _violations(broken), drawn)


def lineage(folder: Folder, id_: Id, as_json: Json = False) -> None:
    """An individual and all its ancestors, nearest first."""
    from speciate import display
    from speciate.archive.archive import Archive
    from speciate.lineage import ancestors

    archive = Archive.open(folder)
    known, name = archive.individuals, archive.resolve(id_)
    value = [_short(known[ancestor]) for ancestor in ancestors(name, known)]
    emit(as_json, value, display.lineage(name, known))


def best(folder: Folder, as_json: Json = False) -> None:
    """The champion, and at the end of a campaign its test scores against the founders'."""
    from speciate import display
    from speciate.archive.archive import Archive
    from speciate.champion import champion_of
    from speciate.goals import goals_of
    from speciate.results import results

    archive = Archive.open(folder)
    if archive.report is None:
        goals = goals_of(archive.config)
        one = champion_of(archive, goals)
        broken = goals.violations(one, archive.individuals)
        drawn = Group(
            "Best so far on the search split; test scores come when the campaign ends.",
            display.details(one, archive.commit_of(one.id), archive.individuals, broken),
        )
        emit(as_json, _short(one) | {"finished": False}, drawn)
        return
    found = results(archive)
    one = archive.individuals[archive.report["champion"]]
    story = display.story(one.id, archive.individuals)
    value = _short(one) | {"finished": True, "head": archive.head, "story": story}
    emit(as_json, value | found.to_json(), display.final(archive, found))


def _short(one: Individual) -> dict[str, Any]:
    return {
        "id": one.id,
        "step": one.step,
        "operator": one.recipe.operator,
        "fitness": one.fitness if one.evaluation else None,
        "parents": [{"id": parent.id, "role": parent.role} for parent in one.recipe.parents],
    }


def _violations(found: "Sequence[Violation]") -> dict[str, Any]:
    """Constraints that an individual breaks."""
    return {"violations": [asdict(one) for one in found]}
