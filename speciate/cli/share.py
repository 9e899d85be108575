"""Archives that travel through git remotes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from speciate.errors import UsageError
from speciate.output import Json, console, emit

if TYPE_CHECKING:
    from speciate.archive.archive import Archive

Folder = Annotated[Path, typer.Argument(help="Folder of the campaign.", metavar="DIR")]
Remote = Annotated[
    str,
    typer.Argument(
        help="Repository: a folder, user@host:path, ssh://host/path, https://host/path."
    ),
]


Ids = Annotated[
    list[str] | None,
    typer.Argument(help="With --weights, whose; the living if none.", metavar="[ID]..."),
]


def push(
    folder: Folder,
    remote: Remote,
    ids: Ids = None,
    name: Annotated[
        str | None, typer.Option("--as", help="Name in the remote; made of the campaign's if none.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Put weights into the store in this folder, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a campaign to a git remote, beside those that are there."""
    from speciate.archive.archive import Archive
    from speciate.archive.sharing.push import push as send

    _check_asked(ids, weights)
    archive = Archive.open(folder)
    done = send(archive, remote, name)
    if weights is not None:
        from speciate.archive.sharing.stores import store_at
        from speciate.travelling import send_weights

        send_weights(archive, _named(archive, ids), store_at(weights), _teller(as_json))
    what = f"{done.refs} ref{'s' * (done.refs > 1)} moved" if done.refs else "nothing new"
    value = {"campaign": done.name, "head": done.head, "refs": done.refs}
    emit(as_json, value, Text(f"{done.name} is at {done.head[:10]} in {remote}; {what}"))


def pull(
    folder: Folder,
    remote: Remote,
    ids: Ids = None,
    name: Annotated[
        str | None, typer.Option("--campaign", help="Name in the remote, if it has several.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Get weights from this store, too: a folder, or an http URL.")
    ] = None,
    limit: Annotated[
        float, typer.Option(min=0.001, help="GiB that may come over the wire; 16 times unpacked.")
    ] = 4.0,
    as_json: Json = False,
) -> None:
    """Fetch a campaign from a git remote, check all of it, and take it in."""
    from speciate.archive.sharing.limits import Limits
    from speciate.archive.sharing.pull import pull as receive

    _check_asked(ids, weights)
    done = receive(folder, remote, name, Limits.of(limit))
    if weights is not None:
        from speciate.archive.archive import Archive
        from speciate.archive.sharing.stores import source_at
        from speciate.travelling import fetch_weights

        with Archive.open(folder, writable=True) as archive:
            fetch_weights(archive, _named(archive, ids), source_at(weights), _teller(as_json))
    value = {"campaign": done.name, "head": done.head, "steps": done.steps, "ahead": done.ahead}
    more = "; the archive has steps that the remote has not" if done.ahead else ""
    steps = f"{done.steps} new step{'s' * (done.steps != 1)}"
    said = f"{folder} is at {done.head[:10]} of {done.name}; {steps}, all checked"
    emit(as_json, value, Text(said + more))


def _check_asked(ids: Sequence[str] | None, weights: str | None) -> None:
    if ids and weights is None:
        raise UsageError("whose weights are to travel was given, but no store; add --weights STORE")


def _named(archive: "Archive", ids: Sequence[str] | None) -> list[str]:
    """Whose weights travel."""
    if ids:
        return [archive.resolve(text) for text in ids]
    return [row.id for row in archive.index.living()]


def _teller(as_json: bool) -> Callable[[str], None]:
    return (lambda _: None) if as_json else (lambda line: console.print(line, highlight=False))
