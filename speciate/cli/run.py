"""Campaigns, and the doctor who looks before."""

from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from speciate.output import Json, console, emit


def run(
    config: Annotated[Path, typer.Argument(help="Campaign file (TOML).")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the campaign; runs/NAME if not given.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Override, such as strategy.generations=4.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster to join, as HOST:PORT; this machine alone if not given."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Campaign whose agents' answers and migrants are taken, instead of asking."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Start a campaign, or go on with the one that the folder holds."""
    from speciate.configs.campaign import load

    sets = assignments or []
    folder = out or Path("runs") / load(config, sets).name
    if not as_json:
        console.print(f"campaign {config} in {folder}", highlight=False)
    try:
        _watched(config, folder, sets, address, replay, quiet=as_json)
    except KeyboardInterrupt:
        kept = f"all up to the last step is in {folder}" if folder.exists() else "nothing was begun"
        console.print(f"\nstopped; {kept}; the same command goes on", highlight=False)
        raise typer.Exit(130) from None
    _last_word(folder, as_json)


def strategies(
    name: Annotated[str | None, typer.Argument(help="One strategy; all if not given.")] = None,
    as_json: Json = False,
) -> None:
    """List the strategies that campaigns may name, or tell all of one."""
    from speciate.strategy_catalogue import (
        strategies_overview,
        strategy_catalogue,
        strategy_details,
    )

    found = strategy_catalogue(name)
    shown = strategy_details(found[0]) if name else strategies_overview(found)
    emit(as_json, found if name is None else found[0], shown)


def _watched(
    config: Path,
    folder: Path,
    sets: list[str],
    address: str | None,
    replay: Path | None,
    quiet: bool,
) -> None:
    from functools import partial

    from speciate.session import run as run_campaign
    from speciate.watch import LiveWatch, Meter, PlainWatch

    start = partial(run_campaign, config, folder, sets, address=address, replay=replay)
    if quiet:
        start()
        return
    console.print("checking founders and tasks, starting the engine ...")
    if not console.is_terminal:
        start(view_for=lambda one: PlainWatch(Meter(one.steps), console))
        return
    with Live(console=console, refresh_per_second=4) as live:
        start(view_for=lambda one: LiveWatch(Meter(one.steps), live))


def _last_word(folder: Path, as_json: bool) -> None:
    from speciate.cli.read import best

    best(folder, as_json)


def doctor(
    folder: Annotated[Path, typer.Argument(help="Where campaigns are to be written.")] = Path(),
    as_json: Json = False,
) -> None:
    """Look whether this machine can run campaigns."""
    from speciate.doctor import checks
    from speciate.output import plain_table

    found = checks(folder)
    table = plain_table("", "check ", "found ", "remedy ")
    for check in found:
        mark = "[green]ok[/]" if check.ok else "[red]no[/]"
        table.add_row(mark, check.name, check.found, "" if check.ok else check.remedy)
    value = [{"name": check.name, "ok": check.ok, "found": check.found} for check in found]
    emit(as_json, value, table)
    if not all(check.ok for check in found):
        raise typer.Exit(1)
