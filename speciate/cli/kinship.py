"""The command that tells how akin individuals are."""

from typing import Annotated, Literal

import typer
from rich.console import Group

from speciate import complete
from speciate.cli.read import Folder
from speciate.errors import UsageError
from speciate.output import Json, console, emit

Measure = Annotated[
    Literal["pearson", "cosine", "euclidean"], typer.Option(help="Of the task vectors.")
]


def kinship(
    folder: Folder,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            help="Individuals; the living and the founders if none.",
            metavar="ID",
            autocompletion=complete.individuals,
        ),
    ] = None,
    measure: Measure = "pearson",
    layers: Annotated[
        bool, typer.Option("--layers", help="By blocks and kinds of modules too.")
    ] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a heat map without numbers.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for programs.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads; one a core if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How akin individuals are: how what changed in their weights correlates."""
    if csv + plot + as_json > 1:
        raise UsageError("--csv, --json and --plot exclude each other; give one of them")
    from speciate.archive.archive import Archive
    from speciate.display import kinship as display
    from speciate.kinship import kinship as measured
    from speciate.kinship import origin_ids
    from speciate.naming import founder_ids
    from speciate.words import label

    archive = Archive.open(folder)
    names = list(dict.fromkeys(archive.resolve(text) for text in ids or ()))
    found = measured(archive, names, layers, jobs)
    founders = founder_ids(archive)
    start, known = origin_ids(archive.config, founders), archive.individuals
    labels = [label(name, known) for name in found.ids]
    if csv:
        typer.echo(display.kinship_csv(found, measure), nl=False)
        return
    origin = label(start[0], known) if len(start) == 1 else "the mean of the founders"
    parts = [display.drawn(found, labels, measure, origin, console.width, plot)]
    parts += ["", display.by_part(found, measure)] if layers else []
    emit(as_json, display.kinship_json(found, labels, measure, start), Group(*parts))
