"""A campaign file with what it needs: proposed, checked as a run would check it, then written."""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import torch

from speciate.adapters import fitted
from speciate.configs import schema
from speciate.configs.campaign import load
from speciate.errors import ConfigError
from speciate.init.cost import Cost, cost_of
from speciate.init.tasks import TaskFiles, task_files
from speciate.population.adapters.config import is_adapter
from speciate.population.founders import load_founders
from speciate.population.weights import Checkpoint
from speciate.session import check_apart, splits
from speciate.toml_text import quoted

FILE = "campaign.toml"
STRATEGIES = ("genome", "genome_plus", "steady_state", "nsga2")


@dataclass(frozen=True)
class Wish:
    """What somebody wants evolved.

    Attributes:
        folder: Where the campaign file goes.
        models: Founders' folders, models or adapters.
        tasks: JSONL files.
        base: Their common ancestor.
        strategy: Its type.
        evaluations: Candidates to score, about.
        workers: Engines at once.
        seed: Of the campaign, and of parting items into search and test.
    """

    folder: Path
    models: Sequence[Path]
    tasks: Sequence[Path]
    base: Path | None = None
    strategy: str = "steady_state"
    evaluations: int = 100
    workers: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Proposed:
    """What was written, and what it will take."""

    file: Path
    config: schema.Campaign
    cost: Cost


def propose(wish: Wish) -> Proposed:
    """Writes a campaign file, and items in two parts where they were in one.

    Raises:
        UsageError: Founders or tasks cannot be used, or the folder holds something; nothing is
            written.
    """
    if wish.folder.exists() and (not wish.folder.is_dir() or any(wish.folder.iterdir())):
        raise ConfigError(f"{wish.folder}: is not empty; give a new folder")
    tasks = [task_files(path) for path in wish.tasks]
    parent = wish.folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that relative paths hold in both.
    scratch = Path(tempfile.mkdtemp(prefix=".init-", dir=parent))
    try:
        file = scratch / FILE
        file.write_text(_text(wish, tasks, scratch), encoding="utf-8")
        config, cost = _checked(wish, file)
        scratch.chmod(0o755)
        scratch.rename(wish.folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return Proposed(wish.folder / FILE, config, cost)


def _checked(wish: Wish, file: Path) -> tuple[schema.Campaign, Cost]:
    """As a run would, before it starts an engine."""
    config = load(file)
    search, test = (splits(config, part, file.parent) for part in ("search", "test"))
    founders = load_founders(config.founders, file.parent)
    config = fitted(config, founders)
    check_apart(search, test)
    return config, cost_of(config, founders, search, wish.evaluations)


def _text(wish: Wish, tasks: Sequence[TaskFiles], scratch: Path) -> str:
    population = max(4, min(20, wish.evaluations // 5))
    adapters = all(map(is_adapter, wish.models))
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701
    environment.filters["quoted"] = quoted
    template = resources.files("speciate.init").joinpath("templates/campaign.toml.j2")
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        name=wish.folder.absolute().name,
        seed=wish.seed,
        base=str(_place(wish.base, wish.folder)) if wish.base else None,
        models=[str(_place(path, wish.folder)) for path in wish.models],
        engine="vllm" if importlib.util.find_spec("vllm") else "transformers",
        dtype=_dtype(wish.base or wish.models[0]),
        workers=wish.workers,
        strategy=wish.strategy,
        population=population,
        sizes=_sizes(wish, population),
        crossovers=_crossovers(adapters, wish.base is not None),
        tasks=[_section(task, wish, scratch) for task in tasks],
    )


def _sizes(wish: Wish, population: int) -> Mapping[str, int]:
    if wish.strategy == "steady_state":
        return {"evaluations": wish.evaluations, "lag": max(4, 2 * wish.workers)}
    return {"generations": max(1, wish.evaluations // population)}


def _crossovers(adapters: bool, base: bool) -> list[dict[str, Any]]:
    if adapters:
        return [{"operator": "lora_svd", "parameters": {}}]
    if not base:
        return [{"operator": "linear", "parameters": {}}]
    return [
        {"operator": "task_arithmetic", "parameters": {"scale": "[0.6, 1.2]"}},
        {"operator": "dare_ties", "parameters": {"density": "[0.3, 0.9]"}},
    ]


def _dtype(model: Path) -> str:
    """A GPU runs models as they are stored; CPUs are exact and fast enough in float32."""
    if not torch.cuda.is_available():
        return "float32"
    checkpoint = Checkpoint(model)
    return str(checkpoint.dtype(checkpoint.names[0])).removeprefix("torch.")


def _section(task: TaskFiles, wish: Wish, scratch: Path) -> dict[str, Any]:
    """A task as the template takes it; items that are to be parted are."""
    section = {"name": task.name, "section": task.section}
    if task.search and task.test:
        places = {"search": task.search, "test": task.test}
        return section | {part: _place(path, wish.folder) for part, path in places.items()}
    (scratch / "tasks").mkdir(exist_ok=True)
    for part, lines in zip(("search", "test"), task.parted(wish.seed), strict=True):
        section[part] = f"tasks/{task.name}.{part}.jsonl"
        (scratch / str(section[part])).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return section


def _place(path: Path, folder: Path) -> str:
    """Relative to the campaign's folder where both lie in one, else absolute."""
    path, folder = path.absolute(), folder.absolute()
    if path.is_relative_to(folder.parent):
        return os.path.relpath(path, folder)
    return str(path)
