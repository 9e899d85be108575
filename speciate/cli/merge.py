"""Commands on models and adapters outside of any campaign, which write a new folder."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from speciate.errors import UsageError
from speciate.output import Json, emit
from speciate.progress import watched

# Progress goes there, so that standard output holds the result and nothing else.
log = Console(stderr=True)
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
Dtype = Annotated[
    str | None, typer.Option(help="float32, bfloat16 or float16; as the parents if not given.")
]
Out = Annotated[Path, typer.Argument(help="New folder; it appears complete or not at all.")]
Model = Annotated[Path, typer.Argument(help="Model folder.")]


def merge(
    recipe: Annotated[Path, typer.Argument(help="Recipe file: TOML, JSON or mergekit's YAML.")],
    out: Out,
    jobs: Annotated[
        int | None, typer.Option(help="Threads or processes; one a core if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda or cuda:N.")] = "cpu",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all, tell what would be done, write nothing.")
    ] = False,
    dtype: Dtype = None,
    shard_gib: Annotated[float, typer.Option(help="Largest safetensors file in GiB.")] = 5.0,
    to_mergekit: Annotated[
        bool, typer.Option("--to-mergekit", help="Write the recipe as mergekit's YAML to OUT.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Merge models or adapters by one recipe, outside any campaign."""
    if to_mergekit and dry_run:
        raise UsageError("--to-mergekit and --dry-run do not go together; leave one of them out")
    if to_mergekit:
        _translate(recipe, out, dtype, as_json)
        return
    if dry_run:
        _tell(recipe, out, dtype, jobs, device, shard_gib, as_json)
        return
    with writing(out), watched("merging", log, quiet=as_json) as progress:
        from speciate.merge_file import merge as carry_out

        digest = carry_out(
            recipe,
            out,
            dtype=dtype,
            jobs=jobs,
            device=device,
            shard_gib=shard_gib,
            fork=True,
            progress=progress,
            warn=warn,
        )
    done(as_json, {"digest": digest, "folder": str(out)}, f"{out}: weights {digest}")


def _translate(recipe: Path, out: Path, dtype: str | None, as_json: bool) -> None:
    from speciate.merge_file import to_mergekit

    to_mergekit(recipe, out, dtype)
    done(as_json, {"file": str(out)}, f"{out}: run it with mergekit-yaml")


def _tell(
    recipe: Path,
    out: Path,
    dtype: str | None,
    jobs: int | None,
    device: str,
    shard_gib: float,
    as_json: bool,
) -> None:
    from speciate.dry_run import check_room, drawn, dry_run
    from speciate.merge_file import opened
    from speciate.merging import Options

    found = dry_run(recipe, opened(recipe, out, dtype), out, Options(jobs, shard_gib, device))
    for line in found["warnings"]:
        warn(line)
    emit(as_json, found, drawn(found))
    check_room(found)


def extract_adapter(
    base: Annotated[Path, typer.Argument(help="Model folder that the adapter will be put on.")],
    model: Annotated[Path, typer.Argument(help="Model folder, fine-tuned from the base.")],
    out: Out,
    rank: Annotated[int, typer.Option(min=1, help="Rank of each module, at most.")],
    target: Annotated[
        list[str] | None,
        typer.Option(help="Last part of the names of modules, such as q_proj; all linear layers."),
    ] = None,
    save_modules: Annotated[
        bool, typer.Option("--save-modules", help="Keep changed norms and embeddings in full.")
    ] = False,
    transposed: Annotated[
        bool, typer.Option("--fan-in-fan-out", help="Layers store (in, out), as those of GPT-2.")
    ] = False,
    base_name: Annotated[
        str | None, typer.Option(help="Name of the base on the hub, for the adapter's config.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Key of random numbers.")] = 0,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    as_json: Json = False,
) -> None:
    """Make the LoRA adapter that is closest to what fine-tuning changed."""
    with writing(out):
        from speciate.population.adapters import extract_adapter as extract
        from speciate.population.weights import Checkpoint

        made = extract(
            Checkpoint(base),
            Checkpoint(model),
            out,
            rank,
            targets=target or None,
            save_modules=save_modules,
            fan_in_fan_out=transposed,
            base_name=base_name,
            seed=seed,
            dtype=dtype,
        )
    left_out = [one.name for one in made.left_out]
    if left_out:
        more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        warn(f"changed, but not in the adapter: {', '.join(left_out[:3])}{more}")
    lost = max(made.lost.values(), default=0.0)
    value = {"digest": made.digest, "folder": str(out), "lost": made.lost, "left_out": left_out}
    words = f"{len(made.lost)} modules, which lose at most {lost:.1%} of their change"
    done(as_json, value, f"{out}: adapter {made.digest}\n{words}")


def operators(
    name: Annotated[str | None, typer.Argument(help="One operator; all if not given.")] = None,
    as_json: Json = False,
) -> None:
    """List the operators that recipes and campaigns may name, or tell all of one."""
    from speciate.catalogue import catalogue, details, overview

    found = catalogue(name)
    emit(
        as_json, found if name is None else found[0], details(found[0]) if name else overview(found)
    )


def warn(line: str) -> None:
    """Tells of something that does not stop the command."""
    typer.echo(f"speciate: {line}", err=True)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed terminal: has to clean up as Ctrl-C has."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def _terminate(number: int, _: FrameType | None) -> None:
    # Whoever asks twice must not disturb the cleaning up.
    for one in _ENDINGS:
        signal.signal(one, signal.SIG_IGN)
    raise _Terminated(number)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Ends with one line after Ctrl-C and the like, when what was half-written is gone."""
    # Under nohup, a closed terminal is to be ignored.
    before = {
        one: signal.signal(one, _terminate)
        for one in _ENDINGS
        if signal.getsignal(one) is not signal.SIG_IGN
    }
    try:
        yield
    except KeyboardInterrupt as end:
        with suppress(OSError):  # The terminal may be gone.
            warn("stopped" if out.exists() else f"stopped; nothing is left of {out}")
        raise typer.Exit(end.status if isinstance(end, _Terminated) else 130) from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def done(as_json: bool, value: object, line: str) -> None:
    """Unbroken, so that digests can be copied."""
    if as_json:
        emit(True, value, Text())
    else:
        typer.echo(line)
