"""Runs of Weights & Biases without a network, read back from what is to be uploaded."""

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

wandb = pytest.importorskip("wandb")

ON = "track.wandb=breeding"
KEY = "0123456789abcdef0123456789abcdef01234567"
_HEADER, _BLOCK, _CHUNK = 7, 32768, 7


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    wandb.teardown()
    yield
    with suppress(ConnectionError):  # Its service was killed.
        wandb.teardown()


def records(folder: Path) -> list[Any]:
    """All that a run would upload: LevelDB's log format, after a header of W&B's own."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.glob("*.wandb")
    data, at, found, whole = path.read_bytes(), _HEADER, [], b""
    while at + _CHUNK <= len(data):
        if _BLOCK - at % _BLOCK < _CHUNK:
            at += _BLOCK - at % _BLOCK
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + _CHUNK])
        whole += data[at + _CHUNK : at + _CHUNK + length]
        at += _CHUNK + length
        if kind in (1, 4):  # All of a record, or its last part.
            found.append(Record.FromString(whole))
            whole = b""
    return found


def history(folder: Path) -> dict[int, dict[str, str]]:
    rows = [one.history for one in records(folder) if one.HasField("history")]
    assert len({row.step.num for row in rows}) == len(rows)
    return {
        row.step.num: {item.key or ".".join(item.nested_key): item.value_json for item in row.item}
        for row in rows
    }


def test_a_campaign_that_goes_on_is_one_run_with_each_step_once(
    campaign: Any, tmp_path: Path
) -> None:
    plain, _ = campaign(tmp_path / "plain")
    campaign(tmp_path / "out", ON, stop_after=2)
    found, shown = campaign(tmp_path / "out", ON)
    assert found.head == plain.head
    folders = sorted((tmp_path / "out" / "wandb").glob("offline-run-*"))
    assert len(folders) == 2
    assert len({folder.name.rpartition("-")[2] for folder in folders}) == 1
    first, second = map(history, folders)
    assert (list(first), list(second)) == ([1, 2], [3, 4])
    assert float(second[4]["best/t"]) <= float(first[1]["best/t"])
    assert float(second[4]["fitness/best"]) == max(step.best or 0 for step in found.steps())
    [opened] = [one.run for one in records(folders[0]) if one.HasField("run")]
    assert (opened.project, opened.display_name) == ("breeding", "small")
    assert shown.notes == []


def test_the_key_is_written_nowhere(campaign: Any, tmp_path: Path) -> None:
    campaign(tmp_path / "out", ON)
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_service_that_dies_ends_no_campaign(campaign: Any, tmp_path: Path) -> None:
    def kill(step: int) -> None:
        for child in psutil.Process().children() if step == 2 else ():
            if child.name() == "wandb-core":
                child.kill()
                child.wait()

    found, shown = campaign(tmp_path / "out", ON, act=kill)
    assert found.report is not None
    [note] = shown.notes
    assert note.startswith("Weights & Biases is written no longer (")
    [line] = [line for line in found.telemetry.read() if "dropped" in line]
    assert line["dropped"] == "Weights & Biases"


def checked(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The check in a process of its own, since wandb reads its environment once."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    return subprocess.run(
        [sys.executable, "-c", "from speciate.track.wandb import check; check()"],
        cwd=tmp_path,
        env=kept | {"HOME": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nobody_logged_in(tmp_path: Path) -> None:
    said = checked(tmp_path)
    last = said.stderr.splitlines()[-1]
    assert last.startswith("speciate.errors.ConfigError: track.wandb needs an API key of Weights")
    assert last.endswith("or set WANDB_MODE=offline")


def test_a_key_that_is_none_is_not_quoted(tmp_path: Path) -> None:
    said = checked(tmp_path, WANDB_API_KEY="secret!")
    assert "the API key of Weights & Biases cannot be used" in said.stderr.splitlines()[-1]


def test_who_is_logged_in_or_offline_sees_nothing(tmp_path: Path) -> None:
    for environment in ({"WANDB_MODE": "offline"}, {"WANDB_API_KEY": KEY}):
        said = checked(tmp_path, **environment)
        assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_not_installed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    line = bench.refused_run(bench.campaign(["english", "missing"]), "--set", ON)
    assert line.startswith("wandb cannot be imported (")
    assert line.endswith("; install speciate[wandb], or leave track.wandb out")
