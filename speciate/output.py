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


def duration(seconds: float) -> str:
    """Such as 1:02:03 or 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
