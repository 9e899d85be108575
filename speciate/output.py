"""How commands speak: tables for people, or one JSON value for programs."""

import json
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from speciate.terminal import Terminal

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]
console = Terminal()
# After the id of who breaks a constraint; apart from it, so that a double click takes the id.
BREAKS = " !"


def emit(as_json: bool, value: Any, drawn: RenderableType) -> None:  # noqa: ANN401
    """Prints `value` as JSON, or `drawn` for people."""
    if as_json:
        typer.echo(json.dumps(value, indent=1))
    else:
        console.print(drawn)


def duration(seconds: float) -> str:
    """Such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plain_table(*columns: str) -> Table:
    """A table without lines; all but the first column are numbers unless they end in a blank."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        left = index == 0 or column.endswith(" ")
        table.add_column(column.strip(), justify="left" if left else "right", overflow="fold")
    return table
