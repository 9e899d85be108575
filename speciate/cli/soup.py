"""Commands that make one model of several with the help of data, outside of any campaign."""

from pathlib import Path
from typing import Annotated

import typer

from speciate.cli.merge import Dtype, Out, done, log, writing
from speciate.output import Json
from speciate.progress import watched


def soup(
    config: Annotated[Path, typer.Argument(help="Campaign file: founders, tasks and engine.")],
    out: Out,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Override, such as engine.dtype=float32.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Average a campaign's founders greedily: each stays only if fitness rises."""

    def told(members: str, fitness: float) -> None:
        if not as_json:
            log.print(f"{fitness:.4f}  {members}", highlight=False, markup=False)

    with writing(out):
        from speciate.soup import soup as cook

        members = cook(config, out, assignments or [], told)
    done(as_json, {"folder": str(out), "members": members}, f"{out}: {' + '.join(members)}")


def regmean_plus_plus(
    out: Out,
    models: Annotated[list[Path], typer.Option("--model", help="Model folder; once for each.")],
    tasks: Annotated[
        list[Path], typer.Option("--task", help="JSONL of a model's own task; in the same order.")
    ],
    off_diagonal: Annotated[
        float, typer.Option(min=0, max=1, help="Factor of the Gram matrices' off-diagonals.")
    ] = 0.9,
    items: Annotated[int, typer.Option(help="Most items of each task.")] = 256,
    max_tokens: Annotated[int, typer.Option(help="Each item is cut to so many tokens.")] = 512,
    dtype: Dtype = None,
    as_json: Json = False,
) -> None:
    """Merge models by RegMean++, which measures each block behind those already merged."""
    with writing(out), watched("merging", log, as_json, in_bytes=False) as progress:
        from speciate.configs.operators.statistics import RegMean
        from speciate.evaluator.measure import Settings
        from speciate.regmean_plus_plus import regmean_plus_plus as merge

        settings = Settings(kinds=("gram",), items=items, max_tokens=max_tokens)
        parameters = RegMean(off_diagonal=off_diagonal)
        digest = merge(models, tasks, out, parameters, settings, dtype, progress)
    done(as_json, {"digest": digest, "folder": str(out)}, f"{out}: weights {digest}")
