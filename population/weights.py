"""Model folders of the Hugging Face layout, and files of statistics: read by the byte range."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.safetensors_reader import INDEX, SINGLE, FormatError, SafetensorsFile
from speciate.population.safetensors_writer import (
    DTYPES,
    Spec,
    weights_digest,
)

STATISTICS = "statistics.safetensors"


class Tensors:
    """Read-only tensors by name, in safetensors files.

    Attributes:
        path: Of the file or folder, for messages.
        names: Of all tensors, sorted.
    """

    def __init__(self, path: Path, files: Mapping[str, SafetensorsFile]) -> None:
        """Takes the open file of each tensor.

        Raises:
            ModelError: A tensor's type is none of those that can be merged.
        """
        self.path = path
        self._files = files
        self.names = tuple(sorted(files))
        self._specs = {name: self._spec(name) for name in self.names}

    @property
    def label(self) -> str:
        """How messages call it: its folder."""
        return str(self.path)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return self._specs[name].shape

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor, without reading it."""
        return self._specs[name].dtype

    def tensor(self, name: str) -> Tensor:
        """A tensor as it is stored."""
        spec = self._specs[name]
        return self.read(name, 0, math.prod(spec.shape)).reshape(spec.shape)

    def read(self, name: str, start: int, stop: int) -> Tensor:
        """The elements [start, stop) of a tensor, flat, as they are stored.

        Raises:
            ModelError: The file became shorter, or cannot be read any more.
        """
        elements = torch.empty(stop - start, dtype=self._specs[name].dtype)
        if stop > start:
            file, size = self._files[name], elements.element_size()
            buffer = elements.view(torch.uint8).numpy().data
            try:
                file.read_into(buffer, file.entries[name].start + start * size)
            except (FormatError, OSError) as exc:
                raise ModelError(
                    f"{self.path}: tensor {name} cannot be read ({exc}); fetch the model again"
                ) from exc
        return elements

    def tensor_digests(self) -> dict[str, str]:
        """SHA-256 of each tensor's little-endian bytes, by name; reads all of the weights."""
        return {name: self._files[name].sha256(name) for name in self.names}

    def digest(self) -> str:
        """One digest for all names, types, shapes and bytes, whatever the shards."""
        return weights_digest(list(self._specs.values()), self.tensor_digests())

    def _spec(self, name: str) -> Spec:
        entry = self._files[name].entries[name]
        if entry.code not in DTYPES:
            raise ModelError(
                f"{self.path}: tensor {name} has type {entry.code}; "
                f"save it as one of {', '.join(DTYPES)}"
            )
        return Spec(name, DTYPES[entry.code], entry.shape)


class Checkpoint(Tensors):
    """A model folder: one safetensors file, or indexed shards.

    Attributes:
        path: The folder.
        config: Content of config.json.
        names: Of all tensors, sorted.
    """

    def __init__(self, path: Path) -> None:
        """Opens the folder and checks that every tensor is where the index says.

        Raises:
            ModelError: The folder, config.json or safetensors files are missing; JSON or
                safetensors are damaged; the index names a file or tensor that is not there;
                a tensor's type is none of those that can be merged.
        """
        if not path.is_dir():
            raise ModelError(f"{path}: no such folder; give the path of a Hugging Face model")
        self.config: dict[str, Any] = read_json(path, "config.json")
        super().__init__(path, _open_model(path))


class Statistics(Tensors):
    """What was measured of a model: tensors named "WEIGHT.KIND".

    A tensor with the plain name of a weight counts as of the kind "exp_avg_sq": the second
    moments that Adam keeps, as optimizers save them.
    """

    def __init__(self, path: Path) -> None:
        """Opens a safetensors file, or the folder that `speciate stats` wrote.

        Raises:
            ModelError: There is no such file, or it is damaged.
        """
        file = path / STATISTICS if path.is_dir() else path
        if not file.is_file():
            raise ModelError(f"{file}: no such file; give what `speciate stats` wrote")
        opened = _open_file(file.parent, file.name)
        super().__init__(path, dict.fromkeys(opened.entries, opened))


def _open_model(path: Path) -> dict[str, SafetensorsFile]:
    """The open file of each tensor; like transformers, the single file goes first."""
    if (path / SINGLE).exists():
        file = _open_file(path, SINGLE)
        return dict.fromkeys(file.entries, file)
    if not (path / INDEX).exists():
        raise ModelError(
            f"{path}: no {SINGLE} nor {INDEX}; save the model as safetensors "
            "(pickle .bin files are not read)"
        )
    places = _weight_map(path)
    files = {name: _open_file(path, name) for name in sorted(set(places.values()))}
    for name, place in sorted(places.items()):
        if name not in files[place].entries:
            raise ModelError(
                f"{path}: {INDEX} says that {name} is in {place}, but it is not; "
                "fetch the model again"
            )
    return {name: files[place] for name, place in places.items()}


def _weight_map(path: Path) -> dict[str, str]:
    places = read_json(path, INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError(f"{path}: {INDEX} has no weight_map; fetch the model again")
    for file in places.values():
        # A plain name cannot lead out of the folder, on any system.
        if not isinstance(file, str) or file in ("", ".", "..") or set(file) & set("/\\:\0"):
            raise ModelError(
                f"{path}: {INDEX} names the file {file!r}, which is not in the folder; "
                "do not trust this model"
            )
    return places


def _open_file(folder: Path, file: str) -> SafetensorsFile:
    try:
        return SafetensorsFile(folder / file)
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: {file} is missing, though {INDEX} names it; fetch the model again"
        ) from None
    except (FormatError, OSError) as exc:
        raise ModelError(
            f"{folder}: {file} is not whole safetensors ({exc}); fetch the model again"
        ) from exc


def read_json(folder: Path, file: str) -> dict[str, Any]:
    """The JSON object in a file of a model folder.

    Raises:
        ModelError: The file is missing, or is something else.
    """
    try:
        value = json.loads((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{folder}: no {file}; give the folder of a complete Hugging Face model"
        ) from None
    except (OSError, ValueError, RecursionError) as exc:
        raise ModelError(f"{folder}: {file} cannot be read ({exc}); fetch the model again") from exc
    if not isinstance(value, dict):
        raise ModelError(f"{folder}: {file} is not a JSON object; fetch the model again")
    return value


def check_finite(checkpoint: Checkpoint) -> None:
    """Reads all weights and looks for NaN and infinities.

    Raises:
        ModelError: The first tensor by name that has one.
    """
    for name in checkpoint.names:
        if not bool(checkpoint.tensor(name).isfinite().all()):
            raise ModelError(
                f"{checkpoint.path}: tensor {name} has NaN or infinite values; "
                "do not breed from this model"
            )
