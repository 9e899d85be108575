"""The command that lists individuals: filters, order, columns."""

from typing import Annotated

import typer

from speciate import complete
from speciate.cli.read import Folder
from speciate.complete import values_of as _values
from speciate.errors import UsageError
from speciate.output import Json, console, emit

_MANY = 1000
Names = list[str] | None


def log(
    folder: Folder,
    operator: Annotated[
        Names,
        typer.Option(
            help="Made by this operator.",
            autocompletion=_values("operator"),
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="Scored on this task.",
            autocompletion=complete.tasks,
        ),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="At least this good: on --task, or else by fitness.")
    ] = None,
    max_score: Annotated[float | None, typer.Option(help="At most this good.")] = None,
    born_after: Annotated[int | None, typer.Option(help="Born after this step.")] = None,
    born_before: Annotated[int | None, typer.Option(help="Born before this step.")] = None,
    descendant_of: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Who descends from this individual.",
            autocompletion=complete.individuals,
        ),
    ] = None,
    ancestor_of: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Whom this individual descends from.",
            autocompletion=complete.individuals,
        ),
    ] = None,
    agent: Annotated[
        Names,
        typer.Option(
            help="Put forward by this agent: role, role@endpoint, or whole arm.",
            autocompletion=complete.agents,
        ),
    ] = None,
    proposer: Annotated[
        Names,
        typer.Option(
            help="Put forward by this proposer.",
            autocompletion=_values("proposer"),
        ),
    ] = None,
    reviewer: Annotated[
        Names,
        typer.Option(
            help="Approved by this person: a part of name or address.",
            autocompletion=_values("reviewer"),
        ),
    ] = None,
    living: Annotated[bool, typer.Option("--living", help="Members of the population.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Those that failed.")] = False,
    founders: Annotated[bool, typer.Option("--founders", help="The founders.")] = False,
    where: Annotated[
        str | None, typer.Option(help="A condition over columns, such as 'children > 3'.")
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="COLUMNS",
            help="As fitness,-step; - is largest first.",
            autocompletion=complete.columns,
        ),
    ] = "",
    columns: Annotated[
        str,
        typer.Option(
            help="What to show, as id,step,fitness,TASK.", autocompletion=complete.columns
        ),
    ] = "",
    limit: Annotated[int, typer.Option(help="How many, newest first; 0 for all.")] = 30,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for programs.")] = False,
    as_json: Json = False,
) -> None:
    """Individuals, newest first; what is asked for together must all hold."""
    if csv and as_json:
        raise UsageError("--csv and --json exclude each other; give one of them")
    from speciate.archive.archive import Archive
    from speciate.archive.index.query import Filters, search
    from speciate.configs.directions import directions
    from speciate.listing import DEFAULT, Listing

    archive = Archive.open(folder)
    listing = Listing(archive.index)
    filters = Filters(
        operators=operator or (),
        proposers=proposer or (),
        agents=agent or (),
        reviewers=reviewer or (),
        task=task,
        min_score=min_score,
        max_score=max_score,
        born_after=born_after,
        born_before=born_before,
        descendant_of=descendant_of and archive.resolve(descendant_of),
        ancestor_of=ancestor_of and archive.resolve(ancestor_of),
        living=living,
        failed=failed,
        founders=founders,
        where=where,
    )
    names = listing.chosen(columns)
    order = [name.strip() for name in sort.split(",") if name.strip()]
    higher = directions(archive.config, archive.index.tasks())
    more = limit + 1 if limit > 0 else None
    found = search(archive.index, filters, higher, order, more)
    rows = found[: limit if limit > 0 else None]
    if csv:
        typer.echo(listing.csv(rows, names or listing.names), nl=False)
        return
    shown = names or [*DEFAULT[:3], *([task] if task else []), *DEFAULT[3:]]
    if len(rows) > _MANY and not as_json:
        typer.echo("\n".join(listing.lines(rows, shown)))
        return
    emit(as_json, [listing.json(row, names) for row in rows], listing.table(rows, shown))
    if len(found) > len(rows) and not as_json:
        console.print("... more; --limit 0 shows all", style="dim")
