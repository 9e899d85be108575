import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.weights import Checkpoint, check_finite
from speciate.records import digest_of

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]
NAMES = ("embed", "norm", "proj", "steps", "used")


def refused(path: Path) -> str:
    """The message, which must be one line that names the folder and says what to do."""
    with pytest.raises(ModelError) as caught:
        Checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert ";" in message
    return message


def test_what_was_saved_is_seen(folder: Folder, random_weights: Random) -> None:
    weights = random_weights(0)
    model = Checkpoint(folder("m", weights))
    assert model.names == NAMES
    assert model.config["model_type"] == "llama"
    for name in NAMES:
        assert model.shape(name) == tuple(weights[name].shape)
        assert model.dtype(name) == weights[name].dtype
        assert torch.equal(model.tensor(name), weights[name])


def test_digest_covers_names_types_shapes_and_bytes(folder: Folder) -> None:
    digests = {
        Checkpoint(folder(str(number), {name: tensor})).digest()
        for number, (name, tensor) in enumerate(
            [
                ("a", torch.zeros(4)),
                ("b", torch.zeros(4)),
                ("a", torch.zeros(2, 2)),
                ("a", torch.zeros(4, dtype=torch.int32)),
                ("a", torch.tensor([0.0, 0.0, 0.0, -0.0])),
            ]
        )
    }
    assert len(digests) == 5
    model = Checkpoint(folder("pinned", {"a": torch.tensor([1.0])}))
    sha = "e00e5eb9444182f352323374ef4e08ebcb784725fdd4fd612d7730540b3e0c8c"
    assert model.tensor_digests() == {"a": sha}
    assert model.digest() == digest_of([["a", "F32", [1], sha]])


def test_shards_do_not_change_the_digest(folder: Folder, random_weights: Random) -> None:
    one = Checkpoint(folder("one", random_weights(1)))
    two = Checkpoint(
        folder("two", random_weights(1), shards=[["used", "proj"], NAMES[:2], NAMES[3:4]])
    )
    assert two.names == one.names
    assert two.digest() == one.digest()
    assert one.digest() != Checkpoint(folder("other", random_weights(2))).digest()


def test_missing_folder(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "no config.json"), ("{", "cannot be read"), ("[]", "not a JSON object"), (b"\xff", "")],
)
def test_bad_config(
    folder: Folder, random_weights: Random, content: str | bytes | None, expected: str
) -> None:
    path = folder("m", random_weights(0))
    (path / "config.json").unlink()
    if content is not None:
        (path / "config.json").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    assert expected in refused(path)


def test_pickle_is_not_read(folder: Folder, random_weights: Random) -> None:
    path = folder("m", random_weights(0))
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    assert "pickle .bin files are not read" in refused(path)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_damaged_safetensors(folder: Folder, random_weights: Random, damage: str) -> None:
    path = folder("m", random_weights(0))
    whole = (path / "model.safetensors").read_bytes()
    damaged = {"truncated": whole[:-10], "garbage": b"garbage" * 9, "empty": b""}[damage]
    (path / "model.safetensors").write_bytes(damaged)
    assert "model.safetensors is not whole" in refused(path)


def test_unknown_type_is_refused_by_name(folder: Folder) -> None:
    path = folder("m", {"scale": torch.ones(3).to(torch.float8_e4m3fn)})
    assert "tensor scale has type F8_E4M3" in refused(path)


@pytest.fixture
def sharded(folder: Folder, random_weights: Random) -> Path:
    return folder("sharded", random_weights(0), shards=[NAMES[:2], NAMES[2:]])


def rewrite_index(path: Path, places: object) -> None:
    index = json.dumps({"weight_map": places})
    (path / "model.safetensors.index.json").write_text(index)


def test_missing_shard(sharded: Path) -> None:
    (sharded / "model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors is missing" in refused(sharded)


@pytest.mark.parametrize(
    "file",
    ["../model.safetensors", "/etc/passwd", "..", "", "a\\..\\b", "sub/model.safetensors", 3],
)
def test_index_cannot_lead_out_of_the_folder(sharded: Path, file: object) -> None:
    outside = sharded.parent / "model.safetensors"
    (sharded / "model-00001-of-00002.safetensors").rename(outside)
    rewrite_index(sharded, dict.fromkeys(NAMES[:2], file))
    assert "not in the folder" in refused(sharded)


def test_index_with_absent_tensor(sharded: Path) -> None:
    rewrite_index(sharded, {"ghost": "model-00001-of-00002.safetensors"})
    assert "ghost is in model-00001-of-00002.safetensors, but it is not" in refused(sharded)


@pytest.mark.parametrize("places", [None, {}, []])
def test_index_without_map(sharded: Path, places: object) -> None:
    rewrite_index(sharded, places)
    assert "no weight_map" in refused(sharded)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_first_tensor_that_is_not_finite_is_named(
    folder: Folder, random_weights: Random, value: float
) -> None:
    weights = random_weights(0)
    check_finite(Checkpoint(folder("fine", weights)))
    weights["proj"][2, 3] = value
    weights["norm"][1] = value
    with pytest.raises(ModelError, match="tensor norm has NaN"):
        check_finite(Checkpoint(folder("bad", weights)))
