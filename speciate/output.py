"""How commands speak: tables for people, or one JSON value for programs."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]
console = Console()


def emit(as_json: bool, value: Any, drawn: RenderableType) -> None:  # noqa: ANN401
    """Prints `value` as JSON, or `drawn` for people."""
    if as_json:
        typer.echo(json.dumps(value, indent=1))
    else:
        console.print(drawn)
