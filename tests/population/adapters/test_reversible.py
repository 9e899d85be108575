from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import ConfigError, ModelError
from speciate.population.adapters import Adapter, pack, unpack

Make = Callable[..., Adapter]
Pair = Callable[..., tuple[Tensor, Tensor]]


def restored(path: Path, number: int) -> Adapter:
    out = path.parent / f"adapter {number} of {path.name}"
    digest = unpack(path, number, out)
    one = Adapter(out)
    assert one.digest() == digest
    return one


def error(one: Adapter, other: Adapter) -> float:
    a, b = one.factors("m"), other.factors("m")
    assert a is not None
    assert b is not None
    return float((a.a - b.a).square().sum() + (a.scaled_b - b.scaled_b).square().sum())


def test_two_adapters_and_one_component_are_exact(
    adapter: Make, random_pair: Pair, tmp_path: Path
) -> None:
    parents = [adapter({"m": random_pair(3)}, lora_alpha=6) for _ in range(2)]
    pack(parents, tmp_path / "p", 1)
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == [
        "pack.json",
        "pack.safetensors",
    ]
    for number, parent in enumerate(parents):
        assert error(restored(tmp_path / "p", number), parent) < 1e-10


def test_no_component_is_the_mean(adapter: Make, random_pair: Pair, tmp_path: Path) -> None:
    pairs = [random_pair(2) for _ in range(3)]
    pack([adapter({"m": pair}) for pair in pairs], tmp_path / "p", 0)
    for number in range(3):
        one = restored(tmp_path / "p", number).factors("m")
        assert one is not None
        assert torch.allclose(one.a, torch.stack([a for a, _ in pairs]).mean(0), atol=1e-6)
        assert torch.allclose(one.b, torch.stack([b for _, b in pairs]).mean(0), atol=1e-6)


def test_more_components_lose_less(adapter: Make, random_pair: Pair, tmp_path: Path) -> None:
    parents = [adapter({"m": random_pair(6, 8, 8)}) for _ in range(5)]
    errors = []
    for count in range(7):
        pack(parents, tmp_path / str(count), count)
        children = [restored(tmp_path / str(count), number) for number in range(5)]
        errors.append(sum(error(c, p) for c, p in zip(children, parents, strict=True)))
    assert errors[:5] == sorted(errors[:5], reverse=True)
    assert errors[3] > 1e-2
    assert max(errors[4:]) < 1e-9


def test_modules_stay_with_the_adapters_that_have_them(
    adapter: Make, random_pair: Pair, tmp_path: Path
) -> None:
    one = adapter({"m": random_pair(2), "n": random_pair(1)}, base_model_name_or_path="b")
    two = adapter({"m": random_pair(2)}, base_model_name_or_path="b")
    pack([one, two], tmp_path / "p", 1)
    children = [restored(tmp_path / "p", number) for number in range(2)]
    assert [child.modules for child in children] == [("m", "n"), ("m",)]
    assert children[0].config.base_model_name_or_path == "b"
    found, expected = children[0].factors("n"), one.factors("n")
    assert found is not None
    assert expected is not None
    assert torch.allclose(found.delta(), expected.delta(), atol=1e-5)


def test_bad_input_is_one_line(adapter: Make, random_pair: Pair, tmp_path: Path) -> None:
    one, two = adapter({"m": random_pair(2)}), adapter({"m": random_pair(3)})
    full = adapter({"m": random_pair(2)}, extra={"head.weight": torch.ones(2)})
    pack([one], tmp_path / "p", 3)
    attempts: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: pack([one], tmp_path / "x", -1), ConfigError, "no negative number"),
        (lambda: pack([], tmp_path / "x", 1), ConfigError, "at least one adapter"),
        (lambda: pack([one, two], tmp_path / "x", 1), ModelError, "m has rank 3, not 2"),
        (lambda: pack([one, full], tmp_path / "x", 1), ModelError, "holds head.weight in full"),
        (lambda: unpack(tmp_path / "p", 1, tmp_path / "x"), ConfigError, "adapters 0 to 0"),
        (lambda: unpack(tmp_path, 0, tmp_path / "x"), ModelError, "no pack.json"),
    ]
    for attempt, kind, text in attempts:
        with pytest.raises(kind, match=text) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    (tmp_path / "p" / "pack.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"pack\.safetensors cannot be read"):
        unpack(tmp_path / "p", 0, tmp_path / "x")
    (tmp_path / "p" / "pack.json").write_text("{}")
    with pytest.raises(ModelError, match=r"pack\.json"):
        unpack(tmp_path / "p", 0, tmp_path / "x")
