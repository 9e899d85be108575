"""The command that tells of agents; works while a campaign runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from speciate.cli.read import Folder
from speciate.errors import UsageError
from speciate.output import Json, emit

if TYPE_CHECKING:
    from speciate.archive.archive import Archive


def agents(
    folder: Folder,
    talk: Annotated[
        str | None,
        typer.Argument(help="Digest of a conversation to print; its beginning is enough."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Print this version of a prompt.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How agents fare: arms, predictions, prompts, insights, what was spent, what waits."""
    from speciate.archive.archive import Archive
    from speciate.counsel.journal import Journal
    from speciate.counsel.standing import standing_of
    from speciate.display import agents as display

    if talk is not None and prompt is not None:
        raise UsageError("give a conversation or --prompt, not both")
    archive = Archive.open(folder)
    found = standing_of(archive)
    if found is None:
        raise UsageError(f"{folder} is a campaign without agents; see docs/agents.md")
    if prompt is not None:
        _prompt(archive, prompt, as_json)
    elif talk is not None:
        digest, content = Journal.of(folder).talk(talk)
        emit(as_json, {"digest": digest, **content}, display.talk(digest, content))
    else:
        emit(as_json, found.to_json(), display.standing(found))


def _prompt(archive: "Archive", text: str, as_json: bool) -> None:
    from speciate.counsel.prompts import version, words_of
    from speciate.counsel.standing import prompt_json
    from speciate.display import agents as display

    one, parent = version(archive.state, text)
    template, before = words_of(one), words_of(parent) if parent else None
    diff = None if before is None else display.changed(before, template)
    value = prompt_json(one) | {"template": template, "diff": diff}
    emit(as_json, value, display.prompt(one, template, before))
