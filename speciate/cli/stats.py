"""The command that measures a model for operators that need more than weights."""

from pathlib import Path
from typing import Annotated

import typer

from speciate.cli.merge import Model, Out, done, log, writing
from speciate.errors import ConfigError
from speciate.evaluator.measure import DEFAULT_KINDS, KINDS, Labels, Prior, Settings
from speciate.output import Json
from speciate.progress import watched


def stats(
    model: Model,
    out: Out,
    task: Annotated[Path, typer.Option(help="Texts: JSONL items of any kind of task.")],
    kinds: Annotated[
        list[str] | None,
        typer.Option(help=f"Of {', '.join(KINDS)}; {' and '.join(DEFAULT_KINDS)} if not given."),
    ] = None,
    items: Annotated[int, typer.Option(help="Most items, from the beginning of the file.")] = 256,
    max_tokens: Annotated[int, typer.Option(help="Each item is cut to so many tokens.")] = 512,
    seed: Annotated[int, typer.Option(help="Of labels that are sampled.")] = 0,
    labels: Annotated[
        Labels, typer.Option(help="Sampled from the model, or the text's own (empirical).")
    ] = "sampled",
    chat: Annotated[bool, typer.Option("--chat", help="Use the chat template.")] = False,
    memory_gib: Annotated[
        float, typer.Option(min=0, help="Of sums for Gram matrices; less takes more passes.")
    ] = 8.0,
    device: Annotated[str | None, typer.Option(help="cuda where there is one, or cpu.")] = None,
    reasoning: Annotated[
        Path | None, typer.Option(help="For rcp_votes: folder of the reasoning model.")
    ] = None,
    reasoning_statistics: Annotated[
        Path | None, typer.Option(help="For rcp_votes: its statistics, with fisher_weighted.")
    ] = None,
    penalty: Annotated[float, typer.Option(min=0, help="For rcp_votes: lambda.")] = 1000.0,
    as_json: Json = False,
) -> None:
    """Measure a model on texts: statistics that operators such as fisher and regmean need."""
    from speciate.merge_file import check_device

    check_device(device or "cpu")
    settings = Settings(
        kinds=tuple(part.strip() for one in kinds or DEFAULT_KINDS for part in one.split(",")),
        items=items,
        max_tokens=max_tokens,
        seed=seed,
        labels=labels,
        chat=chat,
        memory_gib=memory_gib,
        device=device,
        prior=_prior(reasoning, reasoning_statistics, penalty),
    )
    settings.check()
    with writing(out), watched("measuring", log, as_json, in_bytes=False) as progress:
        from speciate.evaluator.measure.collect import collect

        digest = collect(model, task, out, settings, progress)
    value = {"digest": digest, "folder": str(out), "kinds": list(settings.kinds)}
    done(as_json, value, f"{out}: {', '.join(settings.kinds)}")


def _prior(model: Path | None, statistics: Path | None, penalty: float) -> Prior | None:
    if model is None and statistics is None:
        return None
    if model is None or statistics is None:
        raise ConfigError("give --reasoning and --reasoning-statistics together, or neither")
    return Prior(model, statistics, penalty)
