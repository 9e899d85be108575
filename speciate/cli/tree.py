"""Commands that draw the family."""

from typing import Annotated

import typer
from rich.console import Group

from speciate import complete
from speciate.cli.read import Folder, Id
from speciate.errors import UsageError
from speciate.output import Json, console, emit

_OFFSPRING = 3  # generations


def tree(
    folder: Folder,
    everybody: Annotated[
        bool, typer.Option("--all", help="All, not only who led to the living.")
    ] = False,
    around: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The line to this one, and its offspring.",
            autocompletion=complete.individuals,
        ),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels; with --around, generations of offspring: 3.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The family tree: who led to the living, from the founders down; --json gives the whole."""
    if everybody and around is not None:
        raise UsageError("--all and --around exclude each other; give one of them")
    from speciate.archive.archive import Archive
    from speciate.archive.index import descent
    from speciate.champion import leader
    from speciate.display.tree import FamilyTree

    archive = Archive.open(folder)
    if as_json:
        emit(True, descent.parents_by_id(archive.index), "")
        return
    index, best = archive.index, leader(archive)
    if around is not None:
        one = index.row(archive.resolve(around))
        drawn = descent.around(index, one.id, depth or _OFFSPRING)
        console.print(FamilyTree(index, drawn, best, one))
        return
    drawn = (
        descent.everybody(index) if everybody else descent.stems(index, [best.id] if best else [])
    )
    console.print(FamilyTree(index, drawn, best, depth=depth))


def lineage(
    folder: Folder,
    id_: Id,
    depth: Annotated[
        int, typer.Option(min=0, help="Generations to draw; 0 goes back to the founders.")
    ] = 5,
    as_json: Json = False,
) -> None:
    """An individual and its ancestors, nearest first; --json gives them all."""
    from speciate.archive.archive import Archive
    from speciate.champion import leader
    from speciate.display.founders import own_pasts, past_json
    from speciate.display.lineage import Lineage
    from speciate.listing import brief
    from speciate.past import pasts_of
    from speciate.pedigree import pedigree

    archive = Archive.open(folder)
    index, name = archive.index, archive.resolve(id_)
    found = pedigree(index, name, None if as_json or not depth else depth)
    nearest = {one.row.id: one.row for one in found.mentions}
    best = leader(archive)
    kin = index.ancestors(name)
    pasts = pasts_of(archive, [row for row in kin if row.name is not None])
    if as_json:
        own = {one.name: dict(past_json(one)) for one in pasts}
        told = [brief(row) | own.get(row.name or "", {}) for row in nearest.values()]
        emit(True, told, "")
        return
    drawn = Lineage(index, found, best.id if best else None, len(kin) - 1)
    console.print(Group(drawn, *own_pasts(pasts)))
