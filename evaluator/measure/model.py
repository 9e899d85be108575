"""The model that is measured, in float32, and the names by which its folder stores weights."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from speciate.errors import ConfigError, ModelError
from speciate.records import digest_of

SINGLE = "model.safetensors"


class Stored:
    """The tensors of a folder, read one by one."""

    def __init__(self, folder: Path) -> None:
        """Opens all safetensors files of the folder.

        Raises:
            ModelError: There is none, or one is damaged.
        """
        self.folder = folder
        self._files: dict[str, Any] = {}
        paths = sorted(folder.glob("*.safetensors"))
        # Like transformers: beside a single file, shards are left-overs.
        paths = [path for path in paths if path.name == SINGLE] or paths
        if not paths:
            raise ModelError(f"{folder}: no safetensors files; give the folder of a model")
        for path in paths:
            try:
                file: Any = safe_open(path, framework="pt")
            except (SafetensorError, OSError) as exc:
                raise ModelError(f"{path}: not whole safetensors ({exc}); fetch it again") from exc
            self._files |= dict.fromkeys(file.keys(), file)
        self.names = tuple(sorted(self._files))

    def tensor(self, name: str) -> Tensor:
        """One tensor as it is stored."""
        tensor: Tensor = self._files[name].get_tensor(name)
        return tensor

    def digest(self) -> str:
        """Digest of names, types, shapes and contents; the archive names weights by the same."""
        return digest_of([self._entry(name) for name in self.names])

    def _entry(self, name: str) -> list[object]:
        view = self._files[name].get_slice(name)
        raw = self.tensor(name).contiguous().reshape(-1).view(torch.uint8).numpy()
        return [
            name,
            view.get_dtype(),
            list(view.get_shape()),
            hashlib.sha256(raw.data).hexdigest(),
        ]


@dataclass(frozen=True)
class Measured:
    """A model of transformers, ready to be measured."""

    module: Any
    stored: Stored
    device: torch.device

    @cached_property
    def names(self) -> Mapping[nn.Parameter, tuple[str, ...]]:
        """Under which names the folder stores each parameter; tied ones may have several."""
        found: dict[nn.Parameter, tuple[str, ...]] = {}
        for name, parameter in self.module.named_parameters(remove_duplicate=False):
            if name in self.stored.names:
                found[parameter] = (*found.get(parameter, ()), name)
        return found

    @cached_property
    def linear(self) -> Mapping[str, nn.Linear]:
        """Linear layers by the name of their weight; none that shares it with an embedding."""
        shared = {id(m.weight) for m in self.module.modules() if isinstance(m, nn.Embedding)}
        return {
            f"{name}.weight": module
            for name, module in self.module.named_modules()
            if isinstance(module, nn.Linear)
            and f"{name}.weight" in self.stored.names
            and id(module.weight) not in shared
        }

    def logits(self, tokens: tuple[int, ...]) -> Tensor:
        """Of one text, alone, so that no padding enters any statistic: (tokens, vocabulary)."""
        ids = torch.tensor([tokens], device=self.device)
        result: Tensor = self.module(input_ids=ids, use_cache=False).logits[0]
        return result


def load(folder: Path, device: str | None = None) -> Measured:
    """A model folder in float32, without gradients.

    Raises:
        ModelError: The folder is no model that transformers can load without running its code.
        ConfigError: This machine has no such device.
    """
    stored = Stored(folder)
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    transformers.logging.disable_progress_bar()
    try:
        module: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ModelError(f"{folder}: transformers cannot load it ({exc}); check it") from exc
    try:
        module.to(chosen).eval().requires_grad_(False)
    except (RuntimeError, AssertionError) as exc:  # torch asserts that it was built for CUDA
        raise ConfigError(f"device: '{chosen}' cannot be used ({exc}); use cpu") from exc
    measured = Measured(module, stored, chosen)
    if not measured.names:
        raise ModelError(
            f"{folder}: transformers calls none of its weights as the folder does; save the model "
            "with this version of transformers"
        )
    return measured


@contextlib.contextmanager
def hooks() -> Iterator[list[Any]]:
    """A list of handles of hooks, which are removed at the end."""
    handles: list[Any] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()
