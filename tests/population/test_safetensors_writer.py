import errno
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from speciate.errors import BreedError, ConfigError, DiskError, ModelError, UsageError
from speciate.population.frame import SHARD_BYTES, Frame, frame_like, new_model
from speciate.population.safetensors_writer import Spec, Writer
from speciate.population.weights import Checkpoint

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]


@pytest.fixture
def frame(folder: Folder, random_weights: Random) -> Checkpoint:
    return Checkpoint(folder("frame", random_weights(0), dtype="float32"))


def write_model(
    out: Path,
    model: Checkpoint,
    tensors: Iterable[tuple[str, Tensor]],
    dtype: str | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> str:
    """A model like another, with other weights of floating point."""
    with new_model(out, frame_like(model, dtype), shard_bytes) as writer:
        for name in model.names:
            if not model.dtype(name).is_floating_point:
                writer.write(name, model.tensor(name))
        for name, tensor in tensors:
            writer.write(name, tensor)
    return writer.digest()


def floats(weights: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    return ((n, t.float()) for n, t in reversed(weights.items()) if t.is_floating_point())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_is_what_was_given(
    frame: Checkpoint, random_weights: Random, tmp_path: Path
) -> None:
    digest = write_model(tmp_path / "deep" / "out", frame, floats(random_weights(1)))
    out = Checkpoint(tmp_path / "deep" / "out")
    assert digest == out.digest()
    given = random_weights(1) | {name: frame.tensor(name) for name in ("steps", "used")}
    for name, tensor in given.items():
        assert out.dtype(name) == tensor.dtype
        assert torch.equal(out.tensor(name), tensor)
    assert left(tmp_path) == ["deep", "frame"]
    assert left(tmp_path / "deep") == ["out"]


def test_file_is_what_safetensors_itself_reads(
    frame: Checkpoint, random_weights: Random, tmp_path: Path
) -> None:
    write_model(tmp_path / "out", frame, floats(random_weights(1)))
    read = load_file(tmp_path / "out" / "model.safetensors")
    assert torch.equal(read["proj"], random_weights(1)["proj"])
    raw = (tmp_path / "out" / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    assert header.pop("__metadata__") == {"format": "pt"}
    assert length % 8 == 0
    for name, entry in header.items():
        assert entry["data_offsets"][0] % frame.dtype(name).itemsize == 0


@pytest.mark.parametrize("shard_bytes", [1, 100, 150])
def test_shards_hold_the_same_bytes(
    frame: Checkpoint, random_weights: Random, tmp_path: Path, shard_bytes: int
) -> None:
    whole = write_model(tmp_path / "whole", frame, floats(random_weights(1)))
    digest = write_model(
        tmp_path / "parts", frame, floats(random_weights(1)), shard_bytes=shard_bytes
    )
    parts = Checkpoint(tmp_path / "parts")
    files = sorted((tmp_path / "parts").glob("*.safetensors"))
    assert len(files) > 1
    assert digest == whole == parts.digest()
    assert parts.tensor_digests() == Checkpoint(tmp_path / "whole").tensor_digests()
    index = json.loads((tmp_path / "parts" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 96 + 10 + 72 + 24 + 3
    for file in files:
        sizes = [tensor.nbytes for tensor in load_file(file).values()]
        assert sum(sizes) <= shard_bytes or len(sizes) == 1


def test_small_files_come_along_and_others_do_not(
    frame: Checkpoint, random_weights: Random, tmp_path: Path
) -> None:
    path = frame.path
    (path / "tokenizer.model").write_bytes(b"pieces")
    (path / "merges.txt").write_text("a b")
    (path / "additional_chat_templates").mkdir()
    (path / "additional_chat_templates" / "tool.jinja").write_text("t")
    for name in ("adapter_config.json", "x.index.json", "a.bin", "code.py", ".secret.json"):
        (path / name).write_text("{}")
    (path / "folder.json").mkdir()
    write_model(tmp_path / "out", frame, floats(random_weights(1)))
    copied = left(tmp_path / "out")
    assert copied == [
        "additional_chat_templates",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer.model",
    ]
    for name in ("config.json", "tokenizer.json", "merges.txt"):
        assert (tmp_path / "out" / name).read_bytes() == (path / name).read_bytes()
    assert left(tmp_path / "out" / copied[0]) == ["tool.jinja"]


def test_link_to_outside_is_refused(
    frame: Checkpoint, random_weights: Random, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (frame.path / "vocab.json").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match=r"vocab\.json: a link to outside"):
        write_model(tmp_path / "out", frame, floats(random_weights(1)))
    assert left(tmp_path) == ["frame", "secret"]


def test_links_of_a_download_cache_are_followed(
    folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    path = folder("hub/snapshots/main", random_weights(0))
    (tmp_path / "hub" / "blobs").mkdir()
    for file in list(path.iterdir()):
        file.rename(tmp_path / "hub" / "blobs" / file.name)
        file.symlink_to(f"../../blobs/{file.name}")
    write_model(tmp_path / "out", Checkpoint(path), floats(random_weights(1)))
    assert not (tmp_path / "out" / "tokenizer.json").is_symlink()
    assert "vocab" in (tmp_path / "out" / "tokenizer.json").read_text()


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_dtype_is_written_and_told(
    folder: Folder, random_weights: Random, tmp_path: Path, key: str
) -> None:
    frame = Checkpoint(folder("f", random_weights(0), **{key: "float32"}))
    digest = write_model(tmp_path / "out", frame, floats(random_weights(1)), dtype="bfloat16")
    out = Checkpoint(tmp_path / "out")
    assert out.digest() == digest
    assert out.config == frame.config | {key: "bfloat16"}
    assert torch.equal(out.tensor("embed"), random_weights(1)["embed"].bfloat16())
    assert out.dtype("steps") == torch.int64


def test_other_dtype_is_refused(frame: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'int8' is not one of float32, bfloat16, float16"):
        write_model(tmp_path / "out", frame, [], dtype="int8")


def test_existing_folder_is_refused_untouched(frame: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        write_model(tmp_path / "out", frame, [])
    assert left(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"norm": torch.zeros(3)}, r"norm: got shape \[3\], the model has shape \[5\]"),
        ({"ghost": torch.zeros(3)}, "ghost: got shape .* no such tensor"),
        ({"norm": torch.full((5,), float("nan"))}, "norm: the result has NaN .* in bfloat16"),
        ({"embed": torch.full((4, 6), float("inf"))}, "embed: the result has NaN"),
    ],
)
def test_bad_results_leave_nothing(
    frame: Checkpoint,
    random_weights: Random,
    tmp_path: Path,
    change: dict[str, Tensor],
    expected: str,
) -> None:
    with pytest.raises(BreedError, match=expected):
        write_model(tmp_path / "out", frame, floats(random_weights(1) | change))
    assert left(tmp_path) == ["frame"]


def test_overflow_of_the_stored_type_is_noticed(
    frame: Checkpoint, random_weights: Random, tmp_path: Path
) -> None:
    weights = random_weights(1) | {"embed": torch.full((4, 6), 1e5)}
    write_model(tmp_path / "wide", frame, floats(weights))
    with pytest.raises(BreedError, match=r"embed: .* in float16"):
        write_model(tmp_path / "narrow", frame, floats(weights), dtype="float16")


def test_missing_tensor_is_noticed(frame: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(BreedError, match="embed: not written, nor 2 other tensors"):
        write_model(tmp_path / "out", frame, [])
    assert left(tmp_path) == ["frame"]


def test_full_disk_is_known_beforehand(
    frame: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    with pytest.raises(DiskError, match=r"out: needs 16\.0 MiB on disk but 1\.0 MiB are free"):
        write_model(tmp_path / "out", frame, iter(lambda: pytest.fail("read a tensor"), None))
    assert left(tmp_path) == ["frame"]


def test_disk_that_becomes_full(
    frame: Checkpoint, random_weights: Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Writer, "write", full)
    with pytest.raises(DiskError, match=r"the disk became full while writing; make 16\.0 MiB"):
        write_model(tmp_path / "out", frame, floats(random_weights(1)))
    assert left(tmp_path) == ["frame"]


def test_really_full_device(frame: Checkpoint, random_weights: Random, tmp_path: Path,
                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    real = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *a, **k: real(Path("/dev/full") if "partial" in str(self) else self, *a, **k),
    )
    with pytest.raises(DiskError, match="disk became full"):
        write_model(tmp_path / "out", frame, floats(random_weights(1)))


def test_other_trouble_is_one_line(frame: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"cannot be written .*; check the folder"):
        write_model(tmp_path / "file" / "out", frame, [])


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_interrupted_leaves_nothing(
    frame: Checkpoint, random_weights: Random, tmp_path: Path, trouble: type[BaseException]
) -> None:
    def interrupted() -> Iterator[tuple[str, Tensor]]:
        yield next(floats(random_weights(1)))
        raise trouble

    with pytest.raises(trouble):
        write_model(tmp_path / "out", frame, interrupted())
    assert left(tmp_path) == ["frame"]


def test_more_shards_than_files_may_be_open(tmp_path: Path) -> None:
    specs = tuple(Spec(f"x{n:03}", torch.float32, (1,)) for n in range(300))
    (tmp_path / "frame").mkdir()
    (tmp_path / "frame" / "config.json").write_text("{}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = max(int(path.name) for path in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 50, hard))
    try:
        with (
            pytest.raises(DiskError, match="may be open at once; use larger shards"),
            new_model(tmp_path / "out", Frame(tmp_path / "frame", {}, specs), shard_bytes=4),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert left(tmp_path) == ["frame"]
