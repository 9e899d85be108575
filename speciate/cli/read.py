"""Commands that read an archive; all work while a campaign runs in it.

Each imports what it needs by itself: git, tables and statistics take longer than most commands.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from speciate import complete
from speciate.errors import ArchiveError
from speciate.output import Json, emit

if TYPE_CHECKING:
    from speciate.population.constraints import Violation

Folder = Annotated[Path, typer.Argument(help="Folder of the campaign.", metavar="DIR")]
Id = Annotated[
    str,
    typer.Argument(
        help="Id of an individual or commit, its beginning is enough; or a founder's name.",
        autocompletion=complete.individuals,
    ),
]


def status(folder: Folder, as_json: Json = False) -> None:
    """How far a campaign is, who lives, and how busy its workers are."""
    from speciate.archive.archive import Archive
    from speciate.display import campaign as display
    from speciate.listing import brief
    from speciate.status import status_of

    found = status_of(Archive.open(folder))
    members = [brief(one) | _violations(found.broken[one.id]) for one in found.living]
    emit(as_json, found.to_json() | {"members": members}, display.status(found))


def show(folder: Folder, id_: Id, as_json: Json = False) -> None:
    """All about one individual."""
    from speciate.archive.archive import Archive
    from speciate.broken import broken
    from speciate.display import campaign as display
    from speciate.listing import brief
    from speciate.past import founders_below, pasts_of
    from speciate.words import describe

    archive = Archive.open(folder)
    row = archive.index.row(archive.resolve(id_))
    one, known = archive.individual(row.id), archive.individuals
    breaks = broken(archive, [row.id])[row.id]
    pasts = pasts_of(archive, founders_below(archive, row.id))
    value = brief(row) | {
        "commit": row.hash,
        "generation": row.generation,
        "children": row.children,
        "recipe": one.recipe.to_json(),
        "words": describe(one.recipe, known),
        "digest": one.digest,
        "licences": {past.name: past.licence.id and str(past.licence) for past in pasts},
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
    drawn = display.details(one, row, known, breaks, pasts)
    emit(as_json, value | _violations(breaks), drawn)


def best(folder: Folder, as_json: Json = False) -> None:
    """The champion, and at the end of a campaign its test scores against the founders'."""
    from speciate.archive.archive import Archive
    from speciate.broken import broken
    from speciate.champion import leader
    from speciate.display import campaign as display
    from speciate.listing import brief

    archive = Archive.open(folder)
    row = leader(archive)
    if row is None:
        raise ArchiveError("nobody has been scored yet; look again after the first step")
    if archive.report is None:
        one, breaks = archive.individual(row.id), broken(archive, [row.id])[row.id]
        drawn = Group(
            "Best so far on the search split; test scores come when the campaign ends.",
            display.details(one, row, archive.individuals, breaks),
        )
        emit(as_json, brief(row) | {"finished": False}, drawn)
        return
    from speciate.results import results  # Late: only here are intervals computed, with numpy.

    found, story = results(archive), display.story(row.id, archive.individuals)
    value = brief(row) | {"finished": True, "head": archive.head, "story": story}
    emit(as_json, value | found.to_json(), display.final(archive, found))


def _violations(found: "Sequence[Violation]") -> dict[str, Any]:
    """Constraints that an individual breaks."""
    return {"violations": [asdict(one) for one in found]}
