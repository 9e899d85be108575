"""Model folders of the Hugging Face layout: read and written by the tensor."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from speciate.errors import ConfigError, ModelError
from speciate.population.safetensors_writer import (
    DTYPES,
    INDEX,
    Spec,
    Writer,
    copy_small_files,
    new_folder,
    sha256,
    weights_digest,
)

SINGLE = "model.safetensors"
SHARD_BYTES = 5 * 2**30
OUTPUT_DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16")}


class Checkpoint:
    """Read-only, memory-mapped view of a model folder: one safetensors file, or indexed shards.

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
        self.path = path
        if not path.is_dir():
            raise ModelError(f"{path}: no such folder; give the path of a Hugging Face model")
        self.config: dict[str, Any] = read_json(path, "config.json")
        self._handles: dict[str, Any] = self._open()
        self.names = tuple(sorted(self._handles))
        self._specs = {name: self._spec(name) for name in self.names}

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, without reading it."""
        return self._specs[name].shape

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor, without reading it."""
        return self._specs[name].dtype

    def tensor(self, name: str) -> Tensor:
        """A tensor as it is stored; not to be changed in place."""
        tensor: Tensor = self._handles[name].get_tensor(name)
        return tensor

    def tensor_digests(self) -> dict[str, str]:
        """SHA-256 of each tensor's little-endian bytes, by name; reads all of the weights."""
        return {name: sha256(self.tensor(name)) for name in self.names}

    def digest(self) -> str:
        """One digest for all names, types, shapes and bytes, whatever the shards."""
        return weights_digest(list(self._specs.values()), self.tensor_digests())

    def _spec(self, name: str) -> Spec:
        view = self._handles[name].get_slice(name)
        code = view.get_dtype()
        if code not in DTYPES:
            raise ModelError(
                f"{self.path}: tensor {name} has type {code}; save it as one of {', '.join(DTYPES)}"
            )
        return Spec(name, DTYPES[code], tuple(view.get_shape()))

    def _open(self) -> dict[str, Any]:
        """The open file of each tensor; like transformers, the single file goes first."""
        if (self.path / SINGLE).exists():
            handle = self._open_file(SINGLE)
            return dict.fromkeys(handle.keys(), handle)
        if not (self.path / INDEX).exists():
            raise ModelError(
                f"{self.path}: no {SINGLE} nor {INDEX}; save the model as safetensors "
                "(pickle .bin files are not read)"
            )
        places = self._weight_map()
        handles = {file: self._open_file(file) for file in sorted(set(places.values()))}
        held = {file: set(handle.keys()) for file, handle in handles.items()}
        for name, file in sorted(places.items()):
            if name not in held[file]:
                raise ModelError(
                    f"{self.path}: {INDEX} says that {name} is in {file}, but it is not; "
                    "fetch the model again"
                )
        return {name: handles[file] for name, file in places.items()}

    def _weight_map(self) -> dict[str, str]:
        places = read_json(self.path, INDEX).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise ModelError(f"{self.path}: {INDEX} has no weight_map; fetch the model again")
        for file in places.values():
            # A plain name cannot lead out of the folder, on any system.
            if not isinstance(file, str) or file in ("", ".", "..") or set(file) & set("/\\:\0"):
                raise ModelError(
                    f"{self.path}: {INDEX} names the file {file!r}, which is not in the folder; "
                    "do not trust this model"
                )
        return places

    def _open_file(self, file: str) -> Any:  # noqa: ANN401
        try:
            return safe_open(self.path / file, framework="pt")
        except FileNotFoundError:
            raise ModelError(
                f"{self.path}: {file} is missing, though {INDEX} names it; fetch the model again"
            ) from None
        except (SafetensorError, OSError) as exc:
            raise ModelError(
                f"{self.path}: {file} is not whole safetensors ({exc}); fetch the model again"
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


def write_model(
    out: Path,
    frame: Checkpoint,
    tensors: Iterable[tuple[str, Tensor]],
    *,
    dtype: str | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> str:
    """Writes a complete model folder, one tensor at a time.

    Config, tokenizer and tensors that are not of floating point come from `frame`.

    Args:
        out: The new folder; it appears complete or not at all.
        frame: Says which tensors there are; tied embeddings stay as it stores them.
        tensors: Name and value of each floating-point tensor of `frame`, in any order.
        dtype: float32, bfloat16 or float16; None keeps the frame's, tensor by tensor.
        shard_bytes: Largest safetensors file, unless a single tensor is larger.

    Returns:
        The digest of the weights, equal to that of `Checkpoint(out)`.

    Raises:
        UsageError: `out` exists already, or `dtype` is another.
        DiskError: The disk has no room or cannot be written.
        BreedError: A tensor is missing, of the wrong shape or not finite.
        ModelError: A small file of `frame` is a link to somewhere else.
    """
    specs = _planned(frame, dtype)
    with new_folder(out, sum(spec.nbytes for spec in specs)) as folder:
        copy_small_files(frame.path, folder)
        if dtype is not None:
            _write_config(frame.config, dtype, folder)
        with Writer(folder, specs, shard_bytes) as writer:
            for name in frame.names:
                if not frame.dtype(name).is_floating_point:
                    writer.write(name, frame.tensor(name))
            for name, tensor in tensors:
                writer.write(name, tensor)
            return writer.digest()


def _planned(frame: Checkpoint, dtype: str | None) -> list[Spec]:
    if dtype is not None and dtype not in OUTPUT_DTYPES:
        raise ConfigError(f"dtype: '{dtype}' is not one of {', '.join(OUTPUT_DTYPES)}")
    stored = {name: frame.dtype(name) for name in frame.names}
    if dtype is not None:
        cast = OUTPUT_DTYPES[dtype]
        stored = {name: cast if old.is_floating_point else old for name, old in stored.items()}
    return [Spec(name, stored[name], frame.shape(name)) for name in frame.names]


def _write_config(config: Mapping[str, Any], dtype: str, folder: Path) -> None:
    key = "torch_dtype" if "torch_dtype" in config else "dtype"
    (folder / "config.json").write_text(json.dumps({**config, key: dtype}, indent=2) + "\n")
