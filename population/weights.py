"""Model folders of the Hugging Face layout: read and written by the tensor."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speciate.errors import ConfigError, ModelError
from speciate.population.safetensors_reader import FormatError, SafetensorsFile
from speciate.population.safetensors_writer import (
    DTYPES,
    INDEX,
    Spec,
    Writer,
    copy_small_files,
    new_folder,
    weights_digest,
)

SINGLE = "model.safetensors"
STATISTICS = "statistics.safetensors"
SHARD_BYTES = 5 * 2**30
OUTPUT_DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16")}


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


@dataclass(frozen=True)
class Frame:
    """What a new model looks like: all but the values of its weights.

    Attributes:
        path: Folder that tokenizer, chat templates and the like are copied from.
        config: Content of config.json.
        specs: Name, type and shape of every tensor.
        files: Small files that are not as in that folder: their new content, or None for no file.
    """

    path: Path
    config: Mapping[str, Any]
    specs: tuple[Spec, ...]
    files: Mapping[str, bytes | None] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Size of all weights."""
        return sum(spec.nbytes for spec in self.specs)


def frame_like(model: Checkpoint, dtype: str | None = None) -> Frame:
    """The frame of a model, its floating-point tensors in another type if `dtype` is given.

    Raises:
        ConfigError: `dtype` is none of float32, bfloat16 and float16.
    """
    specs = tuple(Spec(name, model.dtype(name), model.shape(name)) for name in model.names)
    return with_dtype(Frame(model.path, model.config, specs), dtype)


def with_dtype(frame: Frame, dtype: str | None) -> Frame:
    """The same frame with floating-point tensors of another type; None changes nothing.

    Raises:
        ConfigError: `dtype` is none of float32, bfloat16 and float16.
    """
    if dtype is None:
        return frame
    if dtype not in OUTPUT_DTYPES:
        raise ConfigError(f"dtype: '{dtype}' is not one of {', '.join(OUTPUT_DTYPES)}")
    key = "torch_dtype" if "torch_dtype" in frame.config else "dtype"
    specs = tuple(
        replace(spec, dtype=OUTPUT_DTYPES[dtype]) if spec.dtype.is_floating_point else spec
        for spec in frame.specs
    )
    return replace(frame, config={**frame.config, key: dtype}, specs=specs)


@contextmanager
def new_model(out: Path, frame: Frame, shard_bytes: int = SHARD_BYTES) -> Iterator[Writer]:
    """A writer for a complete model folder, which appears complete when the block ends.

    Args:
        out: The new folder.
        frame: Config, tokenizer and the tensors that have to be written.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.

    Raises:
        UsageError: `out` exists already.
        DiskError: The disk has no room or cannot be written.
        BreedError: A tensor is missing, of the wrong shape or not finite.
        ModelError: A small file of the frame is a link to somewhere else.
    """
    with new_folder(out, frame.nbytes) as folder:
        copy_small_files(frame.path, folder)
        if frame.config != read_json(frame.path, "config.json"):
            text = json.dumps(frame.config, indent=2) + "\n"
            (folder / "config.json").write_text(text, encoding="utf-8")
        _replace_files(folder, frame.files)
        with Writer(folder, frame.specs, shard_bytes) as writer:
            yield writer
            writer.digest()


def _replace_files(folder: Path, files: Mapping[str, bytes | None]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        if content is not None:
            (folder / name).write_bytes(content)
