"""Writers for programs that draw how a campaign goes: TensorBoard, Weights & Biases.

They are told each step once it is archived, and nothing depends on them: one that fails is left
out, and the campaign goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from speciate.archive.archive import Archive
from speciate.archive.telemetry import Telemetry
from speciate.configs import schema
from speciate.track import tensorboard, wandb
from speciate.track.tensorboard import TensorBoard
from speciate.track.tracker import Sink, Tracker
from speciate.track.wandb import Wandb
from speciate.views import Views
from speciate.watch import Meter, View


def check(track: schema.Track) -> None:
    """Whether the writers that were asked for can be used.

    Raises:
        ConfigError: A package is not installed, or nobody is logged in.
    """
    if track.tensorboard:
        tensorboard.check()
    if track.wandb:
        wandb.check()


@contextmanager
def tracked(
    config: schema.Campaign,
    archive: Archive,
    higher_is_better: Mapping[str, bool],
    steps: int,
    shown: View | None,
) -> Iterator[View | None]:
    """The writers that a campaign asks for, beside the view that it has, until left.

    Args:
        config: Of the campaign.
        archive: Whose folder is written to.
        higher_is_better: Directions of the metrics, by task.
        steps: Of the whole campaign.
        shown: Shows people progress, and what becomes of writers.
    """
    say = shown.note if shown else _nothing
    sinks = _sinks(config, archive, say)
    if not sinks:
        yield shown
        return
    tracker = Tracker(Meter(steps), higher_is_better, sinks, _dropper(archive.telemetry, say))
    try:
        yield Views([shown, tracker]) if shown else tracker
    except BaseException:
        tracker.close(finished=False)
        raise
    tracker.close(finished=True)


def _sinks(config: schema.Campaign, archive: Archive, say: Callable[[str], None]) -> list[Sink]:
    sinks: list[Sink] = []
    if config.track.tensorboard:
        sinks.append(TensorBoard(archive.folder / "tensorboard"))
    if config.track.wandb:
        sinks.append(Wandb(archive.folder, config.track.wandb, archive.config, say))
    return sinks


def _dropper(telemetry: Telemetry, say: Callable[[str], None]) -> Callable[[str, Exception], None]:
    def dropped(name: str, error: Exception) -> None:
        lines = str(error).strip().splitlines()
        cause = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        telemetry.append({"dropped": name, "cause": cause})
        say(f"{name} is written no longer ({cause}); the campaign goes on without")

    return dropped


def _nothing(_: str) -> None:
    """Where nobody looks."""
