"""Event files, read back by TensorBoard itself."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from speciate.track.tensorboard import TensorBoard

ON = "track.tensorboard=true"
STEPS = [1, 2, 3, 4]


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    read = EventAccumulator(str(folder))
    read.Reload()
    return [(event.step, event.value) for event in read.Scalars(tag)]


def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    sink = TensorBoard(tmp_path / "tensorboard")
    for step in (0, 1):
        sink.write(step, {"fitness/best": 0.25 * step, "population/born": 3})
        # At once: who looks while a step takes hours must see the last one.
        assert scalars(tmp_path / "tensorboard", "population/born")[-1] == (step, 3.0)
    sink.close(finished=False)
    assert scalars(tmp_path / "tensorboard", "fitness/best") == [(0, 0.0), (1, 0.25)]


def test_steps_that_are_done_again_replace_the_older_ones(tmp_path: Path) -> None:
    for first, value in ((0, 1.0), (2, 2.0)):
        sink = TensorBoard(tmp_path)
        for step in range(first, first + 4):
            sink.write(step, {"fitness/best": value})
        sink.close(finished=False)
    expected = [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0), (4, 2.0), (5, 2.0)]
    assert scalars(tmp_path, "fitness/best") == expected


def test_a_campaign_that_goes_on_has_each_step_once_and_the_same_hash(
    campaign: Any, tmp_path: Path
) -> None:
    plain, _ = campaign(tmp_path / "plain")
    halfway, _ = campaign(tmp_path / "out", ON, stop_after=2)
    folder = tmp_path / "out" / "tensorboard"
    assert halfway.report is None
    assert [step for step, _ in scalars(folder, "fitness/best")] == STEPS[:2]
    found, shown = campaign(tmp_path / "out", ON)
    assert found.head == plain.head
    assert "track" not in found.config
    best = scalars(folder, "fitness/best")
    assert [step for step, _ in best] == STEPS
    assert best[-1][1] == pytest.approx(max(step.best or 0 for step in found.steps()))
    assert best == sorted(best)
    # The score of the one task, in its metric: less is better.
    bits = [value for _, value in scalars(folder, "best/t")]
    assert bits == sorted(bits, reverse=True)
    assert len(scalars(folder, "speed/busy")) == 4
    assert shown.notes == []
    assert not (tmp_path / "plain" / "tensorboard").exists()
    assert found.fsck() == []


def test_a_folder_that_cannot_be_written_ends_no_campaign(campaign: Any, tmp_path: Path) -> None:
    campaign(tmp_path / "out", stop_after=1)
    (tmp_path / "out" / "tensorboard").write_text("in the way")
    found, shown = campaign(tmp_path / "out", ON)
    assert found.report is not None
    [note] = shown.notes
    assert note.startswith("TensorBoard is written no longer (FileExistsError: ")
    assert note.endswith("; the campaign goes on without")
    [line] = [line for line in found.telemetry.read() if "dropped" in line]
    assert line["dropped"] == "TensorBoard"


def test_not_installed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    line = bench.refused_run(bench.campaign(["english", "missing"]), "--set", ON)
    assert line.startswith("tensorboard cannot be imported (")
    assert line.endswith("; install speciate[tensorboard], or set track.tensorboard = false")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("track.wandb=a/b", "track.wandb: string should match pattern"),
        ("track.tensorbord=true", "track: unknown key 'tensorbord'; did you mean 'tensorboard'?"),
    ],
)
def test_settings_that_make_no_sense(bench: Any, setting: str, said: str) -> None:
    line = bench.refused_run(bench.campaign(), "--set", setting)
    assert json.dumps(line).find(said) > 0, line
