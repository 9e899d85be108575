"""Carries out a recipe file: models tensor by tensor, adapters module by module."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from speciate.card import ancestors, licence_warnings, model_card
from speciate.digests import Digests
from speciate.effective import idle_rules
from speciate.errors import ConfigError
from speciate.merge_file import Progress, Warn, check_device
from speciate.planning import AdapterPlan, planned
from speciate.population.adapters import Adapter, breed_adapter
from speciate.population.adapters.adapter import adapter_digest
from speciate.population.adapters.config import CONFIG
from speciate.population.breed import carry_out as carry_out_plan
from speciate.population.plan import Plan
from speciate.population.recipe_file import RecipeFile
from speciate.population.safetensors_writer import new_folder
from speciate.strangers import hub_named

CARD = "README.md"
Finish = Callable[[Path, str], None]


@dataclass(frozen=True)
class Options:
    """How the machine is used; says nothing about the result.

    Attributes:
        jobs: Threads; one a core if not given.
        shard_gib: Largest safetensors file in GiB, unless a single tensor is larger.
        device: Where tensors are computed with, as torch calls it.
        fork: Whether jobs may be processes.
    """

    jobs: int | None = None
    shard_gib: float = 5.0
    device: str = "cpu"
    fork: bool = False

    def check(self, file: RecipeFile) -> list[str]:
        """Whether the machine can do this; tells which options mean nothing to the recipe.

        Raises:
            ConfigError: A number is out of bounds, there is no such device, or not for the recipe.
        """
        if self.jobs is not None and self.jobs < 1:
            raise ConfigError(f"jobs: {self.jobs} is less than 1; leave it out for one a core")
        if not 0 < self.shard_gib < 1 << 20:
            raise ConfigError(f"shard size: {self.shard_gib:g} GiB is not a file's; give 5")
        check_device(self.device)
        if file.of_adapters and self.device != "cpu":
            raise ConfigError(f"device: {file.operator} merges adapters, on the cpu only; use cpu")
        number = int(self.device.partition(":")[2] or 0)
        if self.device != "cpu" and number >= torch.cuda.device_count():
            raise ConfigError(f"device: torch finds no CUDA device {number}; use cpu")
        given = (self.jobs is not None, self.shard_gib != Options.shard_gib)
        names = [
            name for name, is_given in zip(("jobs", "shard size"), given, strict=True) if is_given
        ]
        return [f"{name}: means nothing to adapters; ignored" for name in names if file.of_adapters]


def checked(
    source: Path, file: RecipeFile, options: Options
) -> tuple[Plan | AdapterPlan, list[str]]:
    """The plan of a recipe, and what to know of recipe and options beforehand, a line each.

    Raises:
        ConfigError: The recipe or an option cannot be carried out.
        ModelError: A parent is missing or damaged, or they do not fit one another.
    """
    ignored = options.check(file)
    plan = planned(source, file)
    idle = idle_rules(plan) if isinstance(plan, Plan) else []
    return plan, [*file.notes, *ignored, *idle]


def carry_out(
    source: Path,
    file: RecipeFile,
    out: Path,
    options: Options,
    digests: Digests,
    progress: Progress,
    warn: Warn,
) -> str:
    """Makes the child and its card; see `speciate.merge_file.merge`."""
    plan, remarks = checked(source, file, options)
    parents = ancestors(file)
    for line in remarks:
        warn(line)

    def finish(folder: Path, digest: str) -> None:
        known = {one.path: _digest(one.path, digests) for one in parents}
        text = model_card(out.name, file, parents, known, digest, _bases(plan))
        (folder / CARD).write_text(text, encoding="utf-8")

    if isinstance(plan, AdapterPlan):
        digest = _adapter(plan, file, out, finish)
    else:
        digest = _model(plan, out, options, progress, finish)
    # Of a merge that failed there is nothing to be shared.
    for line in licence_warnings(parents):
        warn(line)
    return digest


def _model(plan: Plan, out: Path, options: Options, progress: Progress, finish: Finish) -> str:
    total, done = plan.frame.nbytes, 0

    def count(written: int) -> None:
        nonlocal done
        done += written
        progress(done, total)

    shard_bytes = int(options.shard_gib * 2**30)
    progress(0, total)
    return carry_out_plan(
        plan, out, shard_bytes, options.jobs, options.device, count, finish, options.fork
    )


def _adapter(plan: AdapterPlan, file: RecipeFile, out: Path, finish: Finish) -> str:
    """Adapters are small: they are written beside `out`, and get the card and the name at last."""
    with new_folder(out, 0) as folder:
        made = folder / "adapter"
        digest = breed_adapter(
            plan.operator, plan.parameters, plan.adapters, made, file.seed, file.dtype
        )
        for path in list(made.iterdir()):
            path.rename(folder / path.name)
        made.rmdir()
        finish(folder, digest)
    return digest


def _digest(path: Path, digests: Digests) -> str | None:
    """Of an adapter, what it makes of its factors counts too."""
    weights = digests.of(path)
    if weights is None or not (path / CONFIG).exists() or (path / "config.json").exists():
        return weights
    adapter = Adapter(path)
    scales = {module: adapter.config.scale(module) for module in adapter.modules}
    return adapter_digest(weights, scales, adapter.config.fan_in_fan_out)


def _bases(plan: Plan | AdapterPlan) -> list[str]:
    """What the hub calls the models that adapters were trained on."""
    if isinstance(plan, Plan):
        return []
    names = [one.config.base_model_name_or_path for one in plan.parents]
    return hub_named(list(dict.fromkeys(names)))
