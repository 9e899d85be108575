"""Every shipped campaign runs, for a few steps on a few items, as its file says."""

import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.configs.campaign import load
from speciate.evaluator import Engine
from speciate.session import run

SHIPPED = Path(__file__).parents[2] / "configs"
FEW = {
    "agents": ["strategy.evaluations=3"],
    "cluster": ["strategy.evaluations=3", "strategy.lag=2"],
    "cmaes": ["strategy.evaluations=4", "strategy.size=4"],
    "cycleqd": ["strategy.evaluations=3"],
    "dfs": ["strategy.evaluations=4", "strategy.size=4"],
    "genome": ["strategy.generations=1", "strategy.population=3"],
    "genome-plus": ["strategy.generations=1", "strategy.population=3"],
    "islands": ["strategy.evaluations=3", "strategy.lag=2", "islands.every=1"],
    "lora-population": ["strategy.evaluations=3", "strategy.lag=2", "engine.adapters=2"],
    "m2n2": ["strategy.evaluations=3"],
    "nsga2": ["strategy.generations=1", "strategy.population=3"],
    "quickstart": ["strategy.generations=1", "strategy.population=3"],
}
BY_DAY = {"agents", "cluster", "islands", "lora-population"}  # what no other test runs like this


def test_all_are_tried() -> None:
    assert {path.stem for path in SHIPPED.glob("*.toml")} == set(FEW)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in BY_DAY else pytest.mark.nightly)
        for name in sorted(FEW)
    ],
)
def test_it_runs(
    tmp_path: Path,
    adapters: Path,
    transformers: Engine,
    chat_server: Any,
    name: str,
) -> None:
    folder = tmp_path / "configs"
    path = _with_few_items(folder, name)
    (folder / "adapters").symlink_to(adapters)
    chat_server.rule = lambda body: "I would rather not."
    sets = [*FEW[name], "engine.type=transformers", "cluster.workers=0"]
    if name == "agents":
        sets.append(f"agents.endpoints={_endpoints(path, chat_server.url)}")
    if name == "islands":
        (tmp_path / "runs").mkdir()
        sea = ["git", "init", "--quiet", "--bare", str(tmp_path / "runs" / "sea.git")]
        subprocess.run(sea, check=True)
    start: Callable[..., Engine] | None = (
        None if name == "lora-population" else lambda *_: transformers
    )
    run(path, tmp_path / "out", sets, start=start)
    archive = Archive.open(tmp_path / "out")
    assert archive.report is not None
    assert archive.index.count("fitness IS NOT NULL AND operator != 'founder'")
    assert archive.fsck() == []
    assert bool(chat_server.asked) == (name == "agents")


def test_they_teach() -> None:
    for path in SHIPPED.glob("*.toml"):
        assert path.read_text().startswith("# "), path
        assert load(path).name == path.stem


def _with_few_items(folder: Path, name: str) -> Path:
    """A copy of a campaign whose tasks have four items a split."""
    tasks = folder / "zoo" / "tasks"
    tasks.mkdir(parents=True)
    (folder / "zoo" / "models").symlink_to(SHIPPED / "zoo" / "models")
    for file in (SHIPPED / "zoo" / "tasks").iterdir():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (tasks / file.name).write_text("".join(lines[:4]), encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_bytes((SHIPPED / path.name).read_bytes())
    return path


def _endpoints(path: Path, url: str) -> str:
    """The file's endpoints at another address, as TOML."""
    endpoints: Sequence[dict[str, Any]] = tomllib.loads(path.read_text())["agents"]["endpoints"]
    [one] = [endpoint | {"base_url": url, "timeout_s": 30} for endpoint in endpoints]
    pairs = (f"{key} = {value!r}" for key, value in one.items())
    return f"[{{{', '.join(pairs)}}}]"
