"""Writes a model folder's safetensors as a stream: headers first, then tensors in any order.

Names, types and shapes are known beforehand, so offsets are too, and no more than one tensor is
ever in memory. Format: https://github.com/huggingface/safetensors#format
"""

import errno
import hashlib
import json
import os
import shutil
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import torch
from torch import Tensor

from speciate.errors import BreedError, DiskError, ModelError, UsageError
from speciate.population.safetensors_reader import INDEX, SINGLE
from speciate.records import digest_of

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_INFINITE = {torch.bfloat16: 0x7F80, torch.float16: 0x7C00, torch.float32: 0x7F800000}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_SMALL_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "additional_chat_templates/*.jinja")
# An adapter's config would make transformers look for the adapter beside the merged weights.
_NOT_COPIED = ("*.index.json", "adapter_config.json", ".*")
MARGIN = 1 << 24
"""Bytes that a model folder has besides its weights: headers, config, tokenizer."""


@dataclass(frozen=True)
class Spec:
    """What a tensor will be, before it is there."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Size of the data in bytes."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()


def raw_bytes(tensor: Tensor) -> memoryview:
    """The elements in row-major order as little-endian bytes, as safetensors stores them."""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data


def is_finite(stored: Tensor) -> bool:
    """Whether no element of a tensor on the CPU is NaN or infinite, told from its bits.

    The bits of what is not finite are the largest of all numbers of the same sign.
    """
    infinite = _INFINITE.get(stored.dtype)
    if infinite is None or stored.numel() == 0:
        return bool(stored.isfinite().all())
    signed = stored.view(torch.int16 if stored.element_size() == 2 else torch.int32).numpy()
    unsigned = signed.view(f"u{stored.element_size()}")
    negative = 1 << 8 * stored.element_size() - 1
    return bool(signed.max() < infinite and unsigned.max() < negative + infinite)


def weights_digest(specs: Sequence[Spec], hashes: Mapping[str, str]) -> str:
    """One digest for names, types, shapes and contents; how they are sharded does not matter."""
    ordered = sorted(specs, key=lambda spec: spec.name)
    return digest_of([[s.name, _CODES[s.dtype], list(s.shape), hashes[s.name]] for s in ordered])


def plan(specs: Sequence[Spec], shard_bytes: int) -> dict[str, list[Spec]]:
    """Which file holds which tensors, by name, `shard_bytes` or a single tensor to a file."""
    shards: list[list[Spec]] = [[]]
    filled = 0
    for spec in sorted(specs, key=lambda spec: spec.name):
        if shards[-1] and filled + spec.nbytes > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(spec)
        filled += spec.nbytes
    if len(shards) == 1:
        return {SINGLE: shards[0]}
    total = len(shards)
    return {f"model-{n:05}-of-{total:05}.safetensors": s for n, s in enumerate(shards, 1)}


class Ledger:
    """What has come of a model's tensors so far, and in the end the digest of all."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        """Takes what the tensors will be."""
        self._specs = {spec.name: spec for spec in specs}
        self._hashes: dict[str, hashlib._Hash] = {}
        self._counts: dict[str, int] = {}
        self._others: dict[str, tuple[int, str]] = {}

    def put(self, name: str, start: int, values: Tensor) -> memoryview:
        """Casts elements from flat index `start` on; may be called from several threads.

        Returns:
            Their bytes, for `account`.

        Raises:
            BreedError: They are not finite in the type of the tensor.
        """
        dtype = self._specs[name].dtype
        values = values.to(dtype).cpu()
        if dtype.is_floating_point and not is_finite(values):
            raise BreedError(
                f"{name}: the result has NaN or infinite values in {str(dtype)[6:]}; "
                "use smaller weights or a smaller scale"
            )
        return raw_bytes(values)

    def account(self, name: str, data: memoryview) -> None:
        """Adds bytes to the digest of a tensor; each tensor's in order, and once."""
        self._hashes.setdefault(name, hashlib.sha256()).update(data)
        self._counts[name] = self._counts.get(name, 0) + len(data)

    def is_whole(self, name: str) -> bool:
        """Whether all bytes of a tensor were accounted for; there may be none."""
        return self._counts.get(name, 0) == self._specs[name].nbytes

    def accounts(self) -> dict[str, tuple[int, str]]:
        """Of each tensor accounted for, its bytes and their hash, for `take_over`."""
        return self._others | {name: self.account_of(name) for name in self._hashes}

    def account_of(self, name: str) -> tuple[int, str]:
        """Of a tensor, the bytes that were accounted for here, and their hash."""
        hashed = self._hashes.get(name, hashlib.sha256())
        return self._counts.get(name, 0), hashed.hexdigest()

    def take_over(self, accounts: Mapping[str, tuple[int, str]]) -> None:
        """Counts in what another process has accounted for."""
        self._others.update(accounts)

    def digest(self) -> str:
        """Digest of all tensors.

        Raises:
            BreedError: A planned tensor did not come.
        """
        found, nothing = self.accounts(), (0, hashlib.sha256().hexdigest())
        found = {spec.name: found.get(spec.name, nothing) for spec in self._specs.values()}
        missing = [spec.name for spec in self._specs.values() if found[spec.name][0] != spec.nbytes]
        if missing:
            raise BreedError(f"{missing[0]}: not written, nor {len(missing) - 1} other tensors")
        hashes = {name: hashed for name, (_, hashed) in found.items()}
        return weights_digest(list(self._specs.values()), hashes)


class Writer(Ledger):
    """Fills the safetensors files of one folder; a context manager that closes them."""

    def __init__(self, folder: Path, specs: Sequence[Spec], shard_bytes: int) -> None:
        """Writes the headers, and the index where there are several files."""
        super().__init__(specs)
        self.folder = folder
        self._places: dict[str, tuple[int, int]] = {}
        files = plan(specs, shard_bytes)
        with ExitStack() as stack:
            for name, shard in files.items():
                self._open(stack.enter_context((folder / name).open("wb", buffering=0)), shard)
            self._files = stack.pop_all()
        if len(files) > 1:
            (folder / INDEX).write_text(_index(files))

    def _open(self, file: FileIO, shard: list[Spec]) -> None:
        header: dict[str, object] = {"__metadata__": {"format": "pt"}}
        offset, offsets = 0, {}
        # Wide types first, so that every tensor starts at a multiple of its element's size.
        for spec in sorted(shard, key=lambda spec: (-spec.dtype.itemsize, spec.name)):
            end = offset + spec.nbytes
            entry = {"dtype": _CODES[spec.dtype], "shape": spec.shape}
            header[spec.name] = entry | {"data_offsets": [offset, end]}
            offsets[spec.name], offset = offset, end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        file.write(struct.pack("<Q", len(text)) + text)
        start = file.tell()
        for name, offset in offsets.items():
            self._places[name] = (file.fileno(), start + offset)

    def write(self, name: str, tensor: Tensor) -> None:
        """Puts a whole tensor into its place, cast to the type planned for it.

        Raises:
            BreedError: It is not planned, of another shape, or not finite in that type.
        """
        spec = self._specs.get(name)
        if spec is None or spec.shape != tuple(tensor.shape):
            expected = "no such tensor" if spec is None else f"shape {list(spec.shape)}"
            raise BreedError(f"{name}: got shape {list(tensor.shape)}, the model has {expected}")
        self.account(name, self.put(name, 0, tensor))

    def put(self, name: str, start: int, values: Tensor) -> memoryview:
        """Also writes them; see `Ledger.put`."""
        data = super().put(name, start, values)
        descriptor, offset = self._places[name]
        write_at(descriptor, offset + start * self._specs[name].dtype.itemsize, data)
        return data

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()


def write_at(descriptor: int, offset: int, data: memoryview) -> None:
    """Writes all of the bytes, which the system need not do at once."""
    written = 0
    while written < len(data):
        written += os.pwrite(descriptor, data[written:], offset + written)


def _index(files: Mapping[str, list[Spec]]) -> str:
    total = sum(spec.nbytes for shard in files.values() for spec in shard)
    places = {spec.name: file for file, shard in files.items() for spec in shard}
    return json.dumps({"metadata": {"total_size": total}, "weight_map": places}, indent=2) + "\n"


@contextmanager
def new_folder(out: Path, nbytes: int) -> Iterator[Path]:
    """A temporary sibling that becomes `out` when the block ends, and vanishes when it fails.

    Raises:
        UsageError: `out` exists already.
        DiskError: The disk has no room for `nbytes`, or something cannot be written.
    """
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: exists already; choose another folder or remove it")
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _check_room(out, nbytes)
        temporary.mkdir()
        yield temporary
        temporary.rename(out)
    except OSError as exc:
        raise _translated(exc, out, nbytes) from exc
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_room(out: Path, nbytes: int) -> None:
    free = shutil.disk_usage(out.parent).free
    if free < nbytes + MARGIN:
        raise DiskError(
            f"{out}: needs {_size(nbytes + MARGIN)} on disk but {_size(free)} are free; "
            "make room or choose another folder"
        )


def _translated(exc: OSError, out: Path, nbytes: int) -> DiskError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = _size(nbytes + MARGIN)
        return DiskError(f"{out}: the disk became full while writing; make {needed} free")
    if exc.errno in (errno.EMFILE, errno.ENFILE):
        return DiskError(f"{out}: more files than may be open at once; use larger shards")
    return DiskError(f"{out}: cannot be written ({exc.strerror or exc}); check the folder")


def _size(nbytes: int) -> str:
    return f"{nbytes / 2**30:.2f} GiB" if nbytes >= 2**30 else f"{nbytes / 2**20:.1f} MiB"


def copy_small_files(source: Path, folder: Path) -> None:
    """Copies config, tokenizer and chat templates of a model folder, and no weights.

    Raises:
        ModelError: One of them is a link to outside of `source`.
    """
    for file in (file for pattern in _SMALL_FILES for file in source.glob(pattern)):
        if any(file.match(pattern) for pattern in _NOT_COPIED) or not file.is_file():
            continue
        check_inside(file, source)
        target = folder / file.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)


def check_inside(file: Path, folder: Path) -> None:
    """Links may lead to where the hub's cache keeps its files, and nowhere else outside."""
    root, real = folder.resolve(), file.resolve()
    cached = root.parent.name == "snapshots" and real.parent == root.parent.parent / "blobs"
    if not (real.is_relative_to(root) or cached):
        raise ModelError(f"{file}: a link to outside of the folder; put the file itself there")
