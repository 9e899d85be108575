"""Benchmark of the archive at 10,000, 30,000 and 100,000 individuals.

    python tests/bench/archive.py [--counts 10000,30000,100000] [--folder DIR]

For each number archive_maker.py records a campaign of that many; then the index is made anew, git
packs, and commands run as from the shell. Prints the tables of docs/benchmarks.md. With --folder,
archives are kept there, and one that is there is only read. A command that is not there is left
out.

Memory is the largest sum over a process and its children of what they hold (Pss: what several
share is counted once, files that they look into count as well), looked at fifty times a second.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from speciate.archive.archive import Archive

MAKER = Path(__file__).with_name("archive_maker.py")
PROGRAM = (sys.executable, "-P", "-c", "from speciate.cli import program; program()")
ARCHIVE = "import sys; from speciate.archive.archive import Archive; it = Archive.open(sys.argv[1])"
REPEATS = 5
REAL = 10_000  # individuals whose items are real numbers
LONGEST = 60  # seconds to wait for a terminal to show something
MEASURES = {
    "individuals recorded a second": "at least 200",
    "the same in the last tenth": "at least 200",
    "writing, MiB": "at most 500",
    "repository, bytes an individual": "",
    "git gc, s": "",
    "git gc, MiB": "at most 500",
    "repository after gc, bytes an individual": "at most 1000",
    "index made anew, s": "at most 60",
    "index made anew, MiB": "at most 500",
    "index, bytes an individual": "",
    "log with filters, s": "at most 0.5",
    "log with filters, MiB": "at most 500",
    "show, s": "at most 0.5",
    "show, MiB": "at most 500",
    "lineage, s": "at most 0.5",
    "lineage, MiB": "at most 500",
    "ancestors that lineage lists": "",
    "browse, s until it shows individuals": "at most 1.5",
    "browse, MiB": "at most 500",
    "report, s": "at most 60",
    "report, MB": "at most 25",
    "report, MiB of memory": "at most 500",
    "all individuals read with all items, s": "",
    "all individuals read with all items, MiB": "at most 500",
    "history checked, s": "",
    "history checked, MiB": "at most 500",
}


@dataclass(frozen=True)
class Run:
    """How a process went: seconds, largest memory in MiB, and what it printed."""

    seconds: float
    memory: float
    said: str


def run(command: list[str]) -> Run | None:
    """Runs a process to its end; None if it does not know what it is asked for."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with watched(process.pid) as largest:
        said, complaint = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode == 2 and "No such" in complaint:
        return None
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{complaint}")
    return Run(seconds, largest[0] / 2**20, said)


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """The largest memory of a process and its children so far, in bytes."""
    largest, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            largest[0] = max(largest[0], held(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield largest
    finally:
        stop.set()
        thread.join()


def held(pid: int) -> int:
    """What a process and its children hold now, in bytes."""
    total = 0
    try:
        for one in [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += 1024 * sum(map(int, re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)))
    except (OSError, psutil.Error):
        pass
    return total


def size(folder: Path) -> int:
    """Of all files in a folder, in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def recorded(folder: Path, count: int, *flags: str) -> dict[str, float]:
    """Records a campaign."""
    made = run([sys.executable, str(MAKER), str(folder), str(count), *flags])
    assert made is not None
    seconds = json.loads(made.said)
    last = seconds[-len(seconds) // 10 :]
    return {
        "individuals recorded a second": count / sum(seconds),
        "the same in the last tenth": count * len(last) / len(seconds) / sum(last),
        "writing, MiB": made.memory,
        "repository, bytes an individual": size(folder / ".git") / count,
    }


def packed(folder: Path, count: int) -> dict[str, float]:
    """Lets git pack."""
    found = run(["git", "-C", str(folder), "gc", "--quiet"])
    assert found is not None
    return {
        "git gc, s": found.seconds,
        "git gc, MiB": found.memory,
        "repository after gc, bytes an individual": size(folder / ".git") / count,
    }


def indexed(folder: Path, count: int) -> dict[str, float]:
    """Makes the index anew."""
    for file in folder.glob("index.sqlite*"):
        file.unlink()
    found = run([sys.executable, "-P", "-c", f"{ARCHIVE}; it.index", str(folder)])
    assert found is not None
    return {
        "index made anew, s": found.seconds,
        "index made anew, MiB": found.memory,
        "index, bytes an individual": (folder / "index.sqlite").stat().st_size / count,
    }


def asked(folder: Path, archive: Archive) -> dict[str, float]:
    """Runs commands that read; medians of several runs."""
    champion = next(archive.index.fittest(archive.individuals.count))
    founder = next(iter(archive.individuals))
    filters = ["--operator", "ties", "--min-score", "0.7", "--task", "code", "--born-after", "40"]
    filters += ["--descendant-of", founder, "--where", "children > 3"]
    commands = {
        "log with filters": ["log", str(folder), *filters],
        "show": ["show", str(folder), champion],
        "lineage": ["lineage", str(folder), champion],
    }
    found: dict[str, float] = {}
    for name, words in commands.items():
        runs = [one for _ in range(1 + REPEATS) if (one := run([*PROGRAM, *words]))]
        if runs:
            found[f"{name}, s"] = statistics.median(one.seconds for one in runs[1:])
            found[f"{name}, MiB"] = max(one.memory for one in runs)
    return found | {"ancestors that lineage lists": len(archive.index.ancestors(champion))}


def browsed(folder: Path, archive: Archive) -> dict[str, float]:
    """Opens `browse` in a terminal of 80 by 24, until it shows the id of an individual."""
    if run([*PROGRAM, "browse", "--help"]) is None:
        return {}
    runs = [opened(folder, lambda text: archive.index.begun_by(text)) for _ in range(REPEATS)]
    return {
        "browse, s until it shows individuals": statistics.median(seconds for seconds, _ in runs),
        "browse, MiB": max(memory for _, memory in runs),
    }


def opened(folder: Path, known: Callable[[str], object]) -> tuple[float, float]:
    """Seconds until a known id shows, and memory in MiB."""
    start = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(PROGRAM[0], [*PROGRAM, "browse", str(folder)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    said = b""
    with watched(pid) as largest:
        while not any(known(word.decode()) for word in re.findall(rb"\b[0-9a-f]{7,10}\b", said)):
            if time.perf_counter() - start > LONGEST:
                raise SystemExit(f"browse showed no individual: {said[-2000:]!r}")
            said += os.read(terminal, 65536)
        seconds = time.perf_counter() - start
        time.sleep(1)
        os.write(terminal, b"q")
        emptied = threading.Thread(target=drain, args=(terminal,), daemon=True)
        emptied.start()
        os.waitpid(pid, 0)
    return seconds, largest[0] / 2**20


def drain(terminal: int) -> None:
    """Reads what a terminal still says, so that its program can end."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return


def reported(folder: Path, page: Path) -> dict[str, float]:
    """Writes the report."""
    found = run([*PROGRAM, "report", str(folder), str(page)])
    if found is None:
        return {}
    return {
        "report, s": found.seconds,
        "report, MB": page.stat().st_size / 1e6,
        "report, MiB of memory": found.memory,
    }


def read(folder: Path) -> dict[str, float]:
    """Reads everything, and checks everything."""
    counted = f"{ARCHIVE}; print(sum(1 for _ in it.individuals.values()))"
    every = run([sys.executable, "-P", "-c", counted, str(folder)])
    checked = run([sys.executable, "-P", "-c", f"{ARCHIVE}; print(it.fsck())", str(folder)])
    assert every is not None and checked is not None and checked.said == "[]\n"
    return {
        "all individuals read with all items, s": every.seconds,
        "all individuals read with all items, MiB": every.memory,
        "history checked, s": checked.seconds,
        "history checked, MiB": checked.memory,
    }


def measured(folder: Path, count: int) -> dict[str, float]:
    """All of one number of individuals."""
    found = {} if Archive.is_archive(folder) else recorded(folder, count)
    found |= packed(folder, count) | indexed(folder, count)
    archive = Archive.open(folder)
    found |= asked(folder, archive) | browsed(folder, archive)
    found |= reported(folder, folder.with_suffix(".html"))
    return found | read(folder)


def show(found: Mapping[int, Mapping[str, float]]) -> None:
    """Prints the table of docs/benchmarks.md."""
    print("| what | asked for |", " | ".join(f"{count:,}" for count in found), "|")
    print("|---|---|" + "---|" * len(found))
    for name, limit in MEASURES.items():
        values = [one[name] for one in found.values() if name in one]
        if values:
            cells = [f"{one[name]:.3g}" if name in one else "" for one in found.values()]
            cells = [f"{float(cell):,.10g}" if cell else "" for cell in cells]
            print(f"| {name} | {limit} |", " | ".join(cells), "|")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--counts", default="10000,30000,100000")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    counts = [int(text) for text in options.counts.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-archive-") as temporary:
        root = options.folder or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        show({count: measured(root / str(count), count) for count in counts})
        few, folder = min(REAL, *counts), Path(temporary) / "real"
        real = recorded(folder, few, "--real") | packed(folder, few)
        print(f"\nWith {few:,} individuals whose items are real numbers:")
        show({few: real})


if __name__ == "__main__":
    main()
