"""Runs of benchmarks side by side."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

Patiently = Callable[[Callable[[], bool]], bool]

MODULE = """
import os, time
from pathlib import Path

def wait(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)
"""
BENCH = """
import sys
from pathlib import Path
from batch import Run, all_done
from waiting import wait

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    all_done([Run("one", wait, (str(folder / "pid"),))], folder, 1)
"""


def test_workers_end_with_a_bench_that_is_killed(tmp_path: Path, patiently: Patiently) -> None:
    (tmp_path / "waiting.py").write_text(MODULE)
    (tmp_path / "bench.py").write_text(BENCH)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, tmp_path / "bench.py", tmp_path]
    pid = tmp_path / "pid"
    with subprocess.Popen(command, env=environment) as bench:
        assert patiently(lambda: pid.exists() and bool(pid.read_text()))
        worker = psutil.Process(int(pid.read_text()))
        bench.kill()
    assert patiently(lambda: not worker.is_running())
