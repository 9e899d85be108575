"""What a new model looks like, and the folder that it is written to."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from speciate.errors import ConfigError
from speciate.population.safetensors_writer import Spec, Writer, copy_small_files, new_folder
from speciate.population.weights import Checkpoint, read_json

SHARD_BYTES = 5 * 2**30
OUTPUT_DTYPES = {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16")}


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
