"""Whatever happens to workers, nodes and the campaign's own process, the archive is the same."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.session import run
from speciate.workers import SET_ASIDE

WAIT_S = 120


def disturbed(small: Path, cluster: Any, name: str, *more: str) -> Archive:
    out = small.parent / name
    run(small, out, ["cluster.workers=2", *more], address=cluster.address)
    return Archive.open(out)


def told(archive: Archive, name: str) -> list[dict[str, Any]]:
    """Lines of the telemetry that have a field."""
    return [line for line in archive.telemetry.read() if name in line]


def started(small: Path, out: Path, cluster: Any, *more: str) -> "subprocess.Popen[str]":
    """The campaign in a process of its own."""
    command = [sys.executable, "-c", "from speciate.cli import program; program()", "run"]
    options = ["--out", str(out), "--address", cluster.address]
    for setting in ("cluster.workers=2", *more):
        options += ["--set", setting]
    return subprocess.Popen(
        [*command, str(small), *options],
        cwd=out.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(file: Path) -> None:
    end = time.monotonic() + WAIT_S
    while not file.exists():
        assert time.monotonic() < end, f"{file} did not appear"
        time.sleep(0.05)


@pytest.mark.nightly
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers(
    small: Path, cluster: Any, undisturbed: Archive, disturb: Any, workers: int
) -> None:
    disturb()
    node = cluster.add_node(num_cpus=2) if workers > 2 else None
    archive = disturbed(small, cluster, f"workers-{workers}", f"cluster.workers={workers}")
    if node:
        cluster.remove_node(node)
    assert archive.head == undisturbed.head
    assert not told(archive, "fault")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("die", "ActorDiedError"),
        pytest.param("swell", "MemoryError", marks=pytest.mark.nightly),
        pytest.param("hang", "no progress for 4 s", marks=pytest.mark.nightly),
    ],
)
def test_a_worker_is_replaced(
    small: Path, cluster: Any, undisturbed: Archive, disturb: Any, fault: str, said: str
) -> None:
    marks = disturb(fault)
    archive = disturbed(small, cluster, fault, "cluster.patience_s=4")
    assert archive.head == undisturbed.head
    (line,) = told(archive, "fault")
    assert line["fault"].startswith(said)
    # What was in flight, and nothing else, was done again.
    scored = (marks / "scored").read_text().splitlines()
    assert len(scored) == len(archive.individuals) + 5 + 1  # Six on the test split.


@pytest.mark.nightly
def test_a_node_is_killed_and_another_comes_late(
    small: Path, cluster: Any, undisturbed: Archive, disturb: Any
) -> None:
    marks = disturb("wait")
    big = cluster.add_node(num_cpus=8)
    # Only the node that dies, and the one that comes late, have room.
    process = started(small, small.parent / "nodes", cluster, "cluster.cpus=4")
    wait_for(marks / "waiting")
    cluster.remove_node(big, allow_graceful=False)
    late = cluster.add_node(num_cpus=8)
    (marks / "go").touch()
    assert process.wait(WAIT_S) == 0
    cluster.remove_node(late)
    archive = Archive.open(small.parent / "nodes")
    assert archive.head == undisturbed.head
    assert told(archive, "fault")
    assert len(told(archive, "start_seconds")) >= 3


@pytest.mark.nightly
def test_a_candidate_that_ends_all_workers_is_set_aside(
    small: Path, cluster: Any, disturb: Any
) -> None:
    disturb("curse")
    archive = disturbed(small, cluster, "cursed", "cluster.attempts=2")
    assert archive.report is not None
    assert len(told(archive, "fault")) == 2
    (failed,) = [one for one in archive.individuals.values() if one.error]
    assert failed.error == SET_ASIDE


@pytest.mark.nightly
@pytest.mark.parametrize("shared", ["auto", "never"])
def test_adapters_of_any_workers(
    small: Path, adapters: Path, cluster: Any, disturb: Any, undisturbed: Archive, shared: str
) -> None:
    disturb()
    path = of_adapters(small, adapters)
    run(path, small.parent / f"one-{shared}", ["cluster.workers=0"])
    settings = f'cluster.shared="{shared}"'
    archive = disturbed(path, cluster, f"two-{shared}", settings)
    assert archive.head == Archive.open(small.parent / f"one-{shared}").head


@pytest.mark.nightly
def test_only_one_of_a_litter_that_ends_workers_is_set_aside(
    small: Path, adapters: Path, cluster: Any, disturb: Any
) -> None:
    disturb("curse")
    path = of_adapters(small, adapters)
    archive = disturbed(path, cluster, "cursed-litter", "cluster.attempts=2")
    assert archive.report is not None
    assert len(told(archive, "fault")) == 3
    (failed,) = [one for one in archive.individuals.values() if one.error]
    assert failed.error == SET_ASIDE


def of_adapters(small: Path, adapters: Path) -> Path:
    """The same campaign, with adapters for founders."""
    path, text = small.parent / "adapters.toml", small.read_text()
    for name in ("library", "english", "tests"):
        place = next(one for one in text.split('"') if one.endswith(f"models/{name}"))
        text = text.replace(place, str(adapters / name))
    path.write_text(text.replace('type = "transformers"', 'type = "transformers", adapters = 3'))
    return path


@pytest.mark.nightly
def test_nodes_that_see_nothing_are_sent_the_founders(
    small: Path, cluster: Any, undisturbed: Archive, disturb: Any
) -> None:
    disturb()
    archive = disturbed(small, cluster, "sent", 'cluster.shared="never"')
    assert archive.head == undisturbed.head
    assert not archive.weights.digests()


class TestTheCampaignsOwnProcess:
    @pytest.mark.nightly
    def test_is_killed(self, small: Path, cluster: Any, undisturbed: Archive, disturb: Any) -> None:
        marks = disturb("wait")
        out = small.parent / "killed"
        process = started(small, out, cluster)
        wait_for(marks / "waiting")
        process.kill()
        process.wait()
        (marks / "go").touch()
        assert started(small, out, cluster).wait() == 0
        assert Archive.open(out).head == undisturbed.head

    @pytest.mark.nightly
    def test_is_stopped_gracefully(
        self, small: Path, cluster: Any, undisturbed: Archive, disturb: Any
    ) -> None:
        marks = disturb("wait")
        out = small.parent / "stopped"
        process = started(small, out, cluster)
        wait_for(marks / "waiting")
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None  # What is in flight is finished first.
        (marks / "go").touch()
        said = process.communicate(timeout=WAIT_S)[0]
        assert process.returncode == 130
        assert "stopping when what is in flight is done" in said
        assert "the same command goes on" in said
        assert Archive.open(out).report is None
        assert started(small, out, cluster).wait() == 0
        assert Archive.open(out).head == undisturbed.head

    @pytest.mark.nightly
    def test_is_stopped_at_once(self, small: Path, cluster: Any, disturb: Any) -> None:
        marks = disturb("wait")
        process = started(small, small.parent / "at-once", cluster)
        wait_for(marks / "waiting")
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 130
