"""Commands that weigh tasks against each other, and two individuals item by item."""

from typing import Annotated

import typer

from speciate import complete
from speciate.cli.read import Folder
from speciate.errors import UsageError
from speciate.output import Json, console, emit


def front(
    folder: Folder,
    tasks: Annotated[
        str, typer.Option(help="Names with commas between; all if not given.", metavar="A,B")
    ] = "",
    living: Annotated[
        bool, typer.Option("--living/--all", help="Only the living and the founders, or all.")
    ] = False,
    limit: Annotated[int, typer.Option(help="How many to list, besides founders; 0 for all.")] = 10,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for programs.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the first two tasks.")] = False,
    as_json: Json = False,
) -> None:
    """Who is best at several tasks at once: the Pareto front of the search scores."""
    if csv + plot + as_json > 1:
        raise UsageError("--csv, --json and --plot exclude each other; give one of them")
    from speciate.archive.archive import Archive
    from speciate.display import compare as display
    from speciate.front import front as find
    from speciate.front import front_csv, front_json

    archive = Archive.open(folder)
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    found, known = find(archive, names, living), archive.individuals
    if len(found.objectives) == 1 and not (csv or as_json):
        console.print(display.only_task(found, known, folder), soft_wrap=True)
    elif plot:
        console.print(display.scatter(found, console.width), soft_wrap=True)
    elif csv:
        typer.echo(front_csv(found, found.rows(limit)), nl=False)
    else:
        rows = found.rows(limit)
        drawn = display.front(found, rows, known, console)
        emit(as_json, front_json(found, rows), drawn)


def flips(
    folder: Folder,
    before: Annotated[str, typer.Argument(metavar="A", help="The parent: id or founder's name.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The child, named in the same way.")],
    task: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    as_json: Json = False,
) -> None:
    """Items of the search splits that one individual has right and another wrong."""
    from speciate.archive.archive import Archive
    from speciate.display import compare as display
    from speciate.flips import compare

    archive = Archive.open(folder)
    found = compare(archive, before, after, task)
    emit(as_json, found.to_json(), display.comparison(found, archive.individuals))


def diff(
    folder: Folder,
    before: Annotated[
        str,
        typer.Argument(
            metavar="A", help="An id, or a founder's name.", autocompletion=complete.individuals
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(
            metavar="B", help="Another, named in the same way.", autocompletion=complete.individuals
        ),
    ],
    task: Annotated[str | None, typer.Option(help="Only scores of this one.")] = None,
    weights: Annotated[
        bool | None,
        typer.Option(
            help="Compare weights, rebuilt if they are not stored, or do not; "
            "if not said, only stored ones."
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads; one a core if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What two individuals have in common: recipes, source, scores, weights and ancestors."""
    from speciate.archive.archive import Archive
    from speciate.diff.difference import difference
    from speciate.display import diff as display

    archive = Archive.open(folder)
    found = difference(archive, before, after, task, weights, jobs)
    emit(as_json, found.to_json(), display.difference(found, archive.individuals))
