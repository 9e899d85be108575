"""Read-only view of a LoRA adapter in the layout of the PEFT library.

https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.adapters.config import read_config
from speciate.population.adapters.factors import Factors
from speciate.population.safetensors_writer import DTYPES, Spec, raw_bytes, weights_digest
from speciate.records import digest_of

WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_(?:([AB])\.weight|embedding_([AB]))")


class Layout(NamedTuple):
    """Shape of a module's update; an embedding has a row of A for each token's column."""

    outputs: int
    inputs: int
    embedding: bool


class Adapter:
    """A folder with adapter_config.json and adapter_model.safetensors.

    Attributes:
        path: The folder.
        config: What the merge needs of adapter_config.json.
        modules: Names of the adapted modules as the base calls them, sorted.
        saved: Names of the base's tensors that are there in full (`modules_to_save`), sorted.
    """

    def __init__(self, path: Path) -> None:
        """Opens the folder; reads the config and the header of the weights.

        Raises:
            ModelError: A file is missing or damaged, the adapter is of another kind than plain
                LoRA, or its tensors do not fit its config.
        """
        self.path = path
        if not path.is_dir():
            raise ModelError(f"{path}: no such folder; give the path of a PEFT adapter")
        self.config = read_config(path)
        self._file = _opened(path)
        self._specs = {key: self._spec(key) for key in sorted(self._file.keys())}
        self._factors, self._saved = self._sorted_keys()
        self.modules = tuple(sorted(self._factors))
        self.saved = tuple(sorted(self._saved))
        for module in self.modules:
            self._check_module(module)

    @property
    def label(self) -> str:
        """How messages call it: its folder."""
        return str(self.path)

    @property
    def dtype(self) -> torch.dtype:
        """The narrowest type that holds all of its tensors."""
        dtypes = [spec.dtype for spec in self._specs.values()] or [torch.float32]
        widest = dtypes[0]
        for dtype in dtypes:
            widest = torch.promote_types(widest, dtype)
        return widest

    def layout(self, module: str) -> Layout:
        """Shape of a module's update, without reading it."""
        a, b = (self._specs[key] for key in self._pair(module))
        return Layout(b.shape[0], a.shape[1], "lora_embedding_" in a.name)

    def rank(self, module: str) -> int:
        """Rank of a module's factors, without reading them."""
        return self._specs[self._pair(module)[0]].shape[0]

    def factors(self, module: str) -> Factors | None:
        """A module's factors as float32, with their scale; None if it is not adapted.

        Raises:
            ModelError: They have NaN or infinite values.
        """
        if module not in self._factors:
            return None
        a, b = (self._read(key).float() for key in self._pair(module))
        return Factors(a, b, self.config.scale(module))

    def saved_shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor that is there in full."""
        return self._specs[self._saved[name]].shape

    def saved_tensor(self, name: str) -> Tensor:
        """A tensor of the base that is there in full, as it is stored.

        Raises:
            ModelError: It has NaN or infinite values.
        """
        return self._read(self._saved[name])

    def read_saved(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor that is there in full, flat, as it is stored.

        Raises:
            ModelError: They have NaN or infinite values.
        """
        key = self._saved[name]
        columns = max(torch.Size(self.saved_shape(name)[1:]).numel(), 1)
        first = start // columns
        rows = self._file.get_slice(key)[first : -(-stop // columns)].reshape(-1)
        return self._checked(key, rows[start - first * columns : stop - first * columns])

    def tensor_digests(self) -> dict[str, str]:
        """SHA-256 of each tensor's bytes, by name."""
        return {
            key: hashlib.sha256(raw_bytes(self._file.get_tensor(key))).hexdigest()
            for key in self._specs
        }

    def digest(self) -> str:
        """One digest for the tensors and for what the config makes of them."""
        scales = {module: self.config.scale(module) for module in self.modules}
        weights = weights_digest(list(self._specs.values()), self.tensor_digests())
        return adapter_digest(weights, scales, self.config.fan_in_fan_out)

    def _read(self, key: str) -> Tensor:
        return self._checked(key, self._file.get_tensor(key))

    def _checked(self, key: str, tensor: Tensor) -> Tensor:
        if not bool(tensor.isfinite().all()):
            raise ModelError(
                f"{self.path}: tensor {key} has NaN or infinite values; "
                "do not breed from this adapter"
            )
        return tensor

    def _spec(self, key: str) -> Spec:
        view = self._file.get_slice(key)
        code = view.get_dtype()
        if code not in DTYPES or not DTYPES[code].is_floating_point:
            raise ModelError(f"{self.path}: tensor {key} has type {code}; save it as F32 or BF16")
        return Spec(key, DTYPES[code], tuple(view.get_shape()))

    def _sorted_keys(self) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
        """Keys of the factors A and B by module, and keys of full tensors by their name."""
        factors: dict[str, dict[str, str]] = defaultdict(dict)
        saved = {}
        for key in self._specs:
            name = key.removeprefix(PREFIX)
            if match := _FACTOR.fullmatch(name):
                factors[match[1]][match[2] or match[3]] = key
            elif re.search(r"(^|\.)(lora_|trainable_tokens_)", name):
                raise ModelError(
                    f"{self.path}: tensor {key} is none of plain LoRA; "
                    "merge the adapter into its base"
                )
            else:
                # An adapted embedding that is saved in full lies one level deeper.
                saved[name.replace(".base_layer.", ".")] = key
        return factors, saved

    def _pair(self, module: str) -> tuple[str, str]:
        return self._factors[module]["A"], self._factors[module]["B"]

    def _check_module(self, module: str) -> None:
        keys = self._factors[module]
        if set(keys) != {"A", "B"}:
            lost = "B" if "A" in keys else "A"
            raise ModelError(f"{self.path}: {module} has no factor {lost}; save the adapter again")
        a, b = (self._specs[key].shape for key in self._pair(module))
        if len(a) != 2 or len(b) != 2 or a[0] != b[1] or 0 in (*a, *b):
            raise ModelError(
                f"{self.path}: {module} has factors of shapes {list(a)} and {list(b)}; only "
                "adapters of linear and embedding layers can be merged"
            )
        if a[0] != self.config.rank(module):
            raise ModelError(
                f"{self.path}: {module} has rank {a[0]}, but its config says "
                f"{self.config.rank(module)}; correct r or rank_pattern"
            )


def adapter_digest(weights: str, scales: Mapping[str, float], fan_in_fan_out: bool) -> str:
    """Digest of an adapter: that of its tensors alone would not see the scales."""
    return digest_of([weights, dict(scales), fan_in_fan_out])


def _opened(path: Path) -> Any:  # noqa: ANN401
    file = path / WEIGHTS
    if not file.is_file():
        pickled = " (pickle .bin files are not read)" if any(path.glob("*.bin")) else ""
        raise ModelError(f"{path}: no {WEIGHTS}; save the adapter as safetensors{pickled}")
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as exc:
        raise ModelError(
            f"{path}: {WEIGHTS} is not whole safetensors ({exc}); fetch the adapter again"
        ) from exc
