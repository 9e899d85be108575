"""The first campaign."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speciate.errors import ConfigError
from speciate.output import Json, emit

if TYPE_CHECKING:
    from rich.text import Text

    from speciate.init.propose import Proposed


class Strategy(StrEnum):
    """What a proposal may use."""

    GENOME = "genome"
    GENOME_PLUS = "genome_plus"
    STEADY_STATE = "steady_state"
    NSGA2 = "nsga2"


def init(
    folder: Annotated[Path, typer.Argument(help="New folder for the campaign.", metavar="DIR")],
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="A founder's folder; give two or more.")
    ] = None,
    base: Annotated[Path | None, typer.Option(help="The founders' common ancestor.")] = None,
    tasks: Annotated[
        list[Path] | None,
        typer.Option("--task", help="JSONL of items; NAME.search.jsonl, or parted in two."),
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="What is bred next.")] = Strategy.STEADY_STATE,
    evaluations: Annotated[int, typer.Option(min=1, help="Candidates to score, about.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Engines at once.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the campaign.")] = 0,
    as_json: Json = False,
) -> None:
    """Propose a campaign file for your founders and tasks, checked; asks for what is not given."""
    from speciate.init.propose import Wish, propose

    if not models:
        base = base or _path("Their common ancestor's folder, if you have it (empty: none)")
        models = _paths("A founder's folder (empty: that is all)", "--model")
    tasks = tasks or _paths("A task's JSONL file (empty: that is all)", "--task")
    wish = Wish(folder, models, tasks, base, strategy.value, evaluations, workers, seed)
    found = propose(wish)
    value = {"file": str(found.file), "cost": found.cost.to_json()}
    emit(as_json, value, _told(found))


def _paths(question: str, option: str) -> list[Path]:
    if not sys.stdin.isatty():
        raise ConfigError(f"{option} is missing, and there is no terminal to ask; give it")
    return list(iter(lambda: _path(question), None))


def _path(question: str) -> Path | None:
    if not sys.stdin.isatty():
        return None
    text = typer.prompt(question, default="", show_default=False).strip()
    return Path(text).expanduser() if text else None


def _told(found: "Proposed") -> "Text":
    from rich.filesize import decimal
    from rich.text import Text

    from speciate.output import duration

    cost, config = found.cost, found.config
    founders = len(config.founders.models) + (config.founders.base is not None)
    kinds = ", ".join(f"{task.name} ({task.kind})" for task in config.tasks)
    return Text("\n").join(
        map(
            Text,
            (
                f"{found.file}: {founders} founders that fit one another, tasks {kinds}",
                f"{cost.evaluations} candidates of {cost.tokens} tokens each: very roughly "
                f"{duration(cost.seconds)} with one engine on this machine, and starting it",
                f"weights take up to {decimal(cost.disk)} of disk",
                f"read it, and: speciate run {found.file} --out runs/{config.name}",
            ),
        )
    )
