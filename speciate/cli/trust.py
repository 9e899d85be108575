"""Commands on what an archive is worth: whether it is whole, and taking something out of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from speciate.cli.read import Folder, Id
from speciate.complete import individuals
from speciate.output import Json, console, emit
from speciate.progress import watched
from speciate.terminal import Terminal

# Progress goes there, so that standard output is the same whatever the pace.
log = Terminal(stderr=True)


def verify(
    folder: Folder,
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Individuals; the living if none.", autocompletion=individuals),
    ] = None,
    everyone: Annotated[
        bool, typer.Option("--all", help="Every individual that ever had weights.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Cores to use; all if not given.")] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder to rebuild in; the campaign's if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rebuild individuals from the founders and compare the weights' digests."""
    from speciate.archive.archive import Archive
    from speciate.errors import UsageError
    from speciate.verify import verify as check

    archive = Archive.open(folder)
    if everyone and ids:
        raise UsageError("--all and ids do not go together; leave one of them out")
    if everyone:
        names = [row.id for row in archive.index.rows("digest IS NOT NULL")]
    else:
        living = archive.state.members if archive.state else ()
        names = [archive.resolve(text) for text in ids] if ids else list(living)
    with watched("rebuilding", log, as_json, in_bytes=False) as progress:
        found = check(archive, names, _teller(as_json), jobs, progress, scratch)
    _report(as_json, found, f"{len(names)} rebuilt and right")


def fsck(
    folder: Folder,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be; the history is not touched.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for damage in all that a campaign's folder holds, and tell what to do."""
    from speciate.health import examine
    from speciate.health import repair as mend

    with _status(as_json) as begin:
        done, left = mend(folder, begin) if repair else ([], examine(folder, begin))
    lines = [damage.line for damage in left]
    if as_json:
        emit(True, {"problems": lines, **({"repaired": done} if repair else {})}, "")
    for line in [] if as_json else done:
        console.print(Text(f"repaired: {line}", style="yellow"))
    if not as_json:
        console.print(_lines(lines, "nothing else is wrong" if done else "no damage found"))
    if left:
        raise typer.Exit(1)


def gc(
    folder: Folder,
    keep: Annotated[
        Literal["all", "living", "champions", "none"] | None,
        typer.Option(help="Whose weights stay; as the campaign says if not given."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would go, remove nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove weights by policy, scores of nobody and leftovers, and pack the repository."""
    from speciate.archive.archive import Archive
    from speciate.tidying import size_of, tidy

    before = 0 if dry_run else size_of([folder])
    found = tidy(Archive.open(folder), keep, dry_run)
    rows = [{"what": one.what, "count": one.count, "bytes": one.bytes} for one in found]
    freed = {} if dry_run else {"freed": before - size_of([folder])}
    emit(as_json, {"removed": not dry_run, "kinds": rows} | freed, _tidied(rows, freed))


def _tidied(rows: Sequence[Mapping[str, Any]], freed: Mapping[str, int]) -> RenderableType:
    from rich.filesize import decimal

    from speciate.output import plain_table

    if not rows:
        return "nothing to remove"
    table = plain_table("went " if freed else "would go ", "count", "size")
    for row in rows:
        table.add_row(row["what"], str(row["count"]), decimal(row["bytes"]))
    return Group(table, *(f"freed {decimal(size)}" for size in freed.values()))


def export(
    folder: Folder,
    id_: Id,
    out: Annotated[Path, typer.Argument(help="New folder for the model.")],
    as_json: Json = False,
) -> None:
    """Write an individual as a model folder that transformers and vLLM load."""
    from speciate.archive.archive import Archive
    from speciate.export import export as write
    from speciate.words import SHORT

    archive = Archive.open(folder)
    name = archive.resolve(id_)
    told = write(archive, name, out)
    digest = archive.index.row(name).digest
    value = {"id": name, "digest": digest, "folder": str(out), "warnings": told}
    for line in [] if as_json else told:
        log.print(Text(line, style="yellow"))
    emit(as_json, value, f"{out}: {name[:SHORT]} with its model card")


def import_(
    folder: Folder,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME=FOLDER of a founder or of a model that its card names, or folders of models."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell where this machine has the founders, and look at what they were made from."""
    from speciate.archive.archive import Archive
    from speciate.display.founders import founders, to_json
    from speciate.importing import import_founders

    found = import_founders(Archive.open(folder), places or [])
    for line in [] if as_json else found.news:
        console.print(Text(line))
    emit(as_json, to_json(found), founders(found))


def _teller(as_json: bool) -> Any:  # noqa: ANN401
    return (lambda _: None) if as_json else (lambda line: console.print(line, highlight=False))


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Tells on a terminal what is being looked at."""
    if quiet or not log.is_terminal:
        yield lambda _: None
        return
    with log.status("looking") as shown:
        yield lambda name: shown.update(f"looking at {name}")


def _report(as_json: bool, problems: list[str], fine: str) -> None:
    emit(as_json, {"problems": problems}, _lines(problems, fine))
    if problems:
        raise typer.Exit(1)


def _lines(problems: list[str], fine: str) -> Text:
    return Text("\n".join(problems) if problems else fine, style="red" if problems else "green")
