"""What is told while a campaign runs, by a clock that the test turns."""

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.live import Live

from speciate.archive.telemetry import Telemetry
from speciate.evaluator.metered import Work
from speciate.output import duration
from speciate.records import Evaluation, Individual, Recipe, Score, State
from speciate.watch import LiveWatch, Meter, PlainWatch, Recorder, diversity, done


def individual(seed: int, items: tuple[float, ...] | None) -> Individual:
    scored = None
    if items is not None:
        scored = Evaluation(sum(items) / len(items), {"t": Score("accuracy", items)}, "e")
    return Individual(Recipe("linear", (), {}, seed), "0" * 64, 1, "test", "", scored)


GOOD, FAIR, FAILED = individual(0, (1.0, 0.0)), individual(1, (0.0, 0.0)), individual(2, None)
KNOWN = {one.id: one for one in (GOOD, FAIR, FAILED)}
STATE = State(step=2, members=(GOOD.id, FAIR.id))


def meter_at(*times: float) -> Meter:
    clock = iter(times)
    return Meter(6, lambda: next(clock))


def test_numbers_of_a_step() -> None:
    meter = meter_at(100.0, 110.0)
    for _ in range(6):
        meter.count()
    found = meter.snapshot(STATE, [FAIR, FAILED], KNOWN)
    assert (found.best, found.mean, found.born, found.failed) == (0.5, 0.25, 2, 1)
    assert found.rate == 0.5  # Five evaluations in the ten seconds since the first.
    assert found.left == 40.0  # Four more steps like the one that took ten seconds.
    assert "step 2/6  best 0.5000  mean 0.2500" in found.line()


def test_children_since_the_best_are_told_where_they_are_counted() -> None:
    stale = replace(STATE, stopping={"best": GOOD.id, "children": 7})
    assert "best 0.5000, 7 born since  mean" in meter_at().snapshot(stale, [], KNOWN).line()
    assert "since" not in meter_at().snapshot(STATE, [], KNOWN).line()


def test_diversity_is_mean_distance_of_item_scores() -> None:
    assert diversity([GOOD, FAIR]) == 0.5
    assert diversity([GOOD, GOOD]) == 0.0
    assert diversity([GOOD]) == diversity([]) == 0.0


def test_diversity_pairs_tasks_by_name() -> None:
    """Scores read back from the archive come in another order than fresh ones."""
    scores = {"a": Score("accuracy", (1.0,)), "b": Score("accuracy", (0.0,))}
    recipe = Recipe("linear", (), {}, 0)
    fresh = Individual(recipe, None, 1, "test", "", Evaluation(0.5, scores, "e"))
    turned = dict(reversed(scores.items()))
    read_back = Individual(recipe, None, 1, "test", "", Evaluation(0.5, turned, "e"))
    assert diversity([fresh, read_back]) == 0.0


def test_durations() -> None:
    assert [duration(seconds) for seconds in (5, 65, 3725)] == ["0:05", "1:05", "1:02:05"]


def test_saved_items_are_told_where_there_are_some() -> None:
    assert done(Work(items=57, saved=43), 0.5).endswith("busy 50%; saved 43% of items")
    assert done(Work(items=57), 0.5).endswith("busy 50%")


def test_plain_lines_and_telemetry(tmp_path: Path) -> None:
    text = io.StringIO()
    telemetry = Telemetry(tmp_path / "telemetry.jsonl")
    work = Work(swaps=7, swap_seconds=1.0, tokens=1000, token_seconds=2.0)
    view = PlainWatch(meter_at(0.0, 1.0, 2.0), Console(file=text, width=200))
    watch = Recorder(telemetry, work, 2, view)
    work.swaps, work.swap_seconds, work.tokens, work.token_seconds = 10, 1.5, 4000, 3.0
    work.seconds = 1000.0  # More than there was time for.
    watch.candidate(1, 1)
    watch.step(STATE, [GOOD], KNOWN)
    watch.step(STATE, [], KNOWN)
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("step 2/6")
    assert lines[0].endswith("10 swaps, 0.15 s each; 1,333 tokens/s; busy 100%")
    first, second = telemetry.read()
    assert (first["step"], first["born"]) == (2, 1)
    # What was done in the step, not since the beginning.
    assert (first["swaps"], first["tokens"], first["token_seconds"]) == (3, 3000, 1.0)
    assert second["swaps"] == second["tokens"] == 0


def test_live_view_shows_candidates_and_steps() -> None:
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True)
    with Live(console=console, auto_refresh=False) as live:
        watch = LiveWatch(meter_at(0.0, 2.0), live)
        watch.candidate(1, 3)
        live.refresh()
        assert "1/3" in text.getvalue()
        watch.engine(Work(swaps=2, swap_seconds=0.5), 0.875)
        watch.step(STATE, [GOOD], KNOWN)
        live.refresh()
    assert "2/6" in text.getvalue()
    assert "2 swaps, 0.25 s each; 0 tokens/s; busy 88%" in text.getvalue()
    assert "0.5000" in text.getvalue()
