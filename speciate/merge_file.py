"""One merge, outside any campaign.

Imports no torch at once: parents are hashed for the model card while it is being imported.
"""

import re
import uuid
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from speciate.digests import Digests
from speciate.errors import ConfigError, DiskError, UsageError
from speciate.population.recipe_file import RecipeFile, read_recipe

Progress = Callable[[int, int], None]
Warn = Callable[[str], None]


def merge(
    recipe: str | Path,
    out: str | Path,
    *,
    dtype: str | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    shard_gib: float = 5.0,
    fork: bool = False,
    progress: Progress = lambda _, __: None,
    warn: Warn = warnings.warn,
) -> str:
    """Carries out a recipe file and writes a model card.

    Args:
        recipe: TOML or JSON: operator, parents with path and role, parameters, seed, dtype.
        out: The new folder of a model or adapter; it appears complete or not at all.
        dtype: float32, bfloat16 or float16; the recipe's, or else the parents', if not given.
        jobs: Threads or processes; one a core if not given.
        device: Where tensors are computed with: cpu, cuda or cuda:N.
        shard_gib: Largest safetensors file in GiB, unless a single tensor is larger.
        fork: Whether jobs may be processes, forked from this one, where that is faster; only for
            programs that run no engine and use no GPU.
        progress: Told how many bytes of the child are written, and of how many.
        warn: Told, in a line each, what to know of the recipe and the options before the merge,
            and what stands in the way of sharing the model after it.

    Returns:
        The digest of the weights.

    Raises:
        UsageError: The recipe, an option or a model cannot be used, `out` exists, or the disk is
            full.
        BreedError: The result is not finite.
    """
    source, target = Path(recipe), Path(out)
    file = opened(source, target, dtype)
    with Digests(paths_of(file)) as digests:
        from speciate.merging import Options, carry_out

        options = Options(jobs, shard_gib, device, fork)
        return carry_out(source, file, target, options, digests, progress, warn)


def to_mergekit(recipe: Path, out: Path, dtype: str | None = None) -> None:
    """Writes a recipe as a config of mergekit.

    Args:
        recipe: The recipe file.
        out: The new YAML file.
        dtype: Of the child, if other than the recipe's.

    Raises:
        ConfigError: The file is no recipe, or mergekit cannot express what it says.
        UsageError: `out` exists already.
        DiskError: It cannot be written.
    """
    from speciate.population.mergekit import write_mergekit

    file = opened(recipe, out, dtype)
    content = file.model_dump(mode="json", exclude_defaults=True)
    text = write_mergekit(content)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    except OSError as exc:
        raise DiskError(
            f"{out}: cannot be written ({exc.strerror or exc}); check the folder"
        ) from exc
    finally:
        with suppress(OSError):
            temporary.unlink()


def opened(recipe: Path, out: Path, dtype: str | None) -> RecipeFile:
    """The recipe of a file, with another dtype if one is given.

    Raises:
        ConfigError: The file is no recipe.
        UsageError: `out` exists already.
    """
    file = read_recipe(recipe)
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: exists already; choose another folder or remove it")
    return file if dtype is None else file.model_copy(update={"dtype": dtype})


def check_device(device: str) -> None:
    """Whether a device has a name that torch knows, and that we run on.

    Raises:
        ConfigError: It has another.
    """
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", device):
        raise ConfigError(f"device: '{device}' is none of cpu, cuda and cuda:N")


def paths_of(file: RecipeFile) -> list[Path]:
    """All folders and files that a recipe names, once each."""
    paths = [path for one in file.parents for path in (one.path, one.adapter) if path]
    return [Path(path) for path in dict.fromkeys(paths)]
