"""Commands for people who review what agents propose; all work while the campaign runs."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from speciate.cli.read import Folder
from speciate.errors import SpeciateError, UsageError
from speciate.output import Json, emit

if TYPE_CHECKING:
    from speciate.archive.archive import Archive
    from speciate.archive.drafts import Decision, Draft
    from speciate.records import Recipe

Number = Annotated[int, typer.Argument(min=0, help="Of a proposal.")]
Numbers = Annotated[list[int], typer.Argument(min=0, help="Of proposals.", metavar="NUMBER...")]
Reason = Annotated[str, typer.Option(help="Why; recorded, and told to agents.")]


def list_(
    folder: Folder,
    decided: Annotated[bool, typer.Option("--all", help="Those that were decided, too.")] = False,
    as_json: Json = False,
) -> None:
    """Proposals that wait for somebody to decide."""
    from speciate.archive.archive import Archive
    from speciate.display import review as display
    from speciate.review.sheet import entries

    found = entries(Archive.open(folder), decided)
    emit(as_json, [one.to_json() for one in found], display.entries(found, decided))


def show(folder: Folder, number: Number, as_json: Json = False) -> None:
    """All about one proposal: what is new in it, who proposes it and why, trials, parents."""
    from speciate.archive.archive import Archive
    from speciate.display import review as display
    from speciate.review.sheet import sheet

    found = sheet(Archive.open(folder), number)
    emit(as_json, found.to_json(), display.sheet(found))


def approve(folder: Folder, numbers: Numbers, reason: Reason = "", as_json: Json = False) -> None:
    """Let the campaign breed what was proposed."""
    from speciate.archive.archive import Archive
    from speciate.review.deciding import decide

    archive = Archive.open(folder)
    _tell(archive, decide(archive, numbers, "approve", reason), as_json)


def reject(folder: Folder, numbers: Numbers, reason: Reason = "", as_json: Json = False) -> None:
    """Turn down what was proposed; --reason says why."""
    from speciate.archive.archive import Archive
    from speciate.review.deciding import decide

    archive = Archive.open(folder)
    _tell(archive, decide(archive, numbers, "reject", reason), as_json)


def edit(
    folder: Folder,
    number: Number,
    file: Annotated[
        Path | None, typer.Option(help="Recipe in TOML or JSON, instead of opening $EDITOR.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Approve a recipe that you have changed."""
    from speciate.archive.archive import Archive
    from speciate.review import deciding
    from speciate.review.editing import from_file

    archive = Archive.open(folder)
    # Before somebody works on it.
    archive.drafts.reviewer()
    archive.drafts.check_open(number)

    def record(recipe: "Recipe") -> "Decision":
        return deciding.edit(archive, number, recipe, reason)

    if file is not None:
        decision = record(from_file(file, archive))
    else:
        decision = _edited(archive, archive.drafts.get(number), record)
    _tell(archive, [decision], as_json)


def serve(
    folder: Folder,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 0,
) -> None:
    """Review in a browser on this machine; Ctrl-C ends it."""
    from speciate.review.serve import serve as run

    run(folder, port, lambda url: typer.echo(f"{url}\nwhoever has this address decides as you"))


def _edited(
    archive: "Archive", draft: "Draft", record: "Callable[[Recipe], Decision]"
) -> "Decision":
    """Decides by what comes out of the user's editor; what is refused is kept."""
    import click

    from speciate.review.editing import as_toml, from_text

    text = click.edit(as_toml(draft.recipe, archive.individuals), extension=".toml")
    if text is None:
        raise UsageError(f"proposal {draft.number}: nothing was saved; nothing is recorded")
    try:
        return record(from_text(text, "what you wrote", archive))
    except SpeciateError as exc:
        kept = _kept(text, draft.number)
        raise UsageError(f"{exc}; your text is kept: correct it, and give --file {kept}") from exc


def _kept(text: str, number: int) -> str:
    prefix = f"proposal-{number}-"
    with tempfile.NamedTemporaryFile("w", suffix=".toml", prefix=prefix, delete=False) as file:
        file.write(text)
    return file.name


def _tell(archive: "Archive", decisions: "Sequence[Decision]", as_json: bool) -> None:
    from speciate.review.deciding import told

    drawn = Text("\n".join(told(one, archive) for one in decisions))
    emit(as_json, [one.to_json() for one in decisions], drawn)


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_,
    "show": show,
    "approve": approve,
    "reject": reject,
    "edit": edit,
    "serve": serve,
}
