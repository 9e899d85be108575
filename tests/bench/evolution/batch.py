"""Many runs side by side, each remembered in a file: a bench that was stopped goes on."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import Progress

from speciate.files import write_whole
from speciate.population.processes import end_with_parent

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "docs" / "images"


@dataclass(frozen=True)
class Run:
    """Something that takes long: `make(*given)`, a function of a module, gives JSON values."""

    name: str
    make: Callable[..., Any]
    given: tuple[Any, ...]

    def done(self, folder: Path) -> Any:
        """What it gave, from its file in `folder`, or now."""
        path = folder / f"{self.name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(self.make(*self.given)).encode())
        return json.loads(path.read_text())


def options(doc: str | None, seeds: int = 5, first: int = 0) -> argparse.ArgumentParser:
    """What all these benches are asked."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "bench-evolution")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--first", type=int, default=first, help="of the seeds")
    parser.add_argument("--processes", type=int, default=2)
    return parser


def seeds_of(asked: argparse.Namespace) -> range:
    """Those that are asked for."""
    return range(asked.first, asked.first + asked.seeds)


def all_done(runs: Sequence[Run], folder: Path, processes: int) -> Mapping[str, Any]:
    """What each gave, by name, in the given order."""
    found = {}
    pool = ProcessPoolExecutor(processes, get_context("spawn"), end_with_parent)
    with Progress() as bar, pool:
        task = bar.add_task(folder.name, total=len(runs))
        asked = {pool.submit(run.done, folder): run.name for run in runs}
        try:
            for one in as_completed(asked):
                found[asked[one]] = one.result()
                bar.advance(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {run.name: found[run.name] for run in runs}
