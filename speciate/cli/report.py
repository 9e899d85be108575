"""The command that writes a campaign as one page."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from speciate.cli.read import Folder
from speciate.output import Json, console, emit
from speciate.progress import Progress, watched


def report(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="HTML file to write.", metavar="OUT.html")],
    figures: Annotated[
        Path | None, typer.Option(help="Folder to write the figures to, as SVG and PNG.")
    ] = None,
    nodes: Annotated[
        int, typer.Option(min=100, help="Most nodes of the family tree; others are summarised.")
    ] = 10_000,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of another kind.")] = False,
    as_json: Json = False,
) -> None:
    """Write the campaign as one page that needs no network: family tree, figures, champion."""
    from speciate.archive.archive import Archive
    from speciate.report.report import check_out
    from speciate.report.report import report as write

    def watch(what: str) -> AbstractContextManager[Progress]:
        return watched(what, console, quiet=as_json, in_bytes=False)

    archive = Archive.open(folder)
    check_out(out, force)
    made = write(archive, out, watch, nodes, figures)
    said = f"{out}: {made.shown:,} of {made.individuals:,} individuals, {made.size / 1e6:.1f} MB"
    if figures:
        said += f"; {len(made.figures)} figures in {figures}"
    emit(as_json, made.to_json(), Text(said))
