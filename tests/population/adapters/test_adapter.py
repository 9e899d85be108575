import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.adapters import Adapter, AdapterConfig, Factors, check_fit, write_adapter

Make = Callable[..., Adapter]
Pair = Callable[..., tuple[Tensor, Tensor]]


def message(call: Callable[[], object]) -> str:
    with pytest.raises(ModelError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("rslora", "scale"), [(False, 2.0), (True, 4.0)])
def test_scale_is_alpha_over_rank_or_its_root(
    adapter: Make, random_pair: Pair, rslora: bool, scale: float
) -> None:
    a, b = random_pair(4)
    one = adapter({"x.m": (a, b)}, lora_alpha=8, use_rslora=rslora)
    factors = one.factors("x.m")
    assert factors is not None
    assert factors.scale == scale
    assert torch.allclose(factors.delta(), scale * b @ a, atol=1e-5)
    assert one.factors("x.other") is None


def test_patterns_match_the_end_of_a_name_and_the_first_counts() -> None:
    config = AdapterConfig(
        r=8, lora_alpha=8, rank_pattern={"q": 4, r"layers\.1\.q": 2}, alpha_pattern={"^a.q": 16}
    )
    assert [config.rank(name) for name in ("layers.1.q", "q", "xq", "q.k")] == [4, 4, 8, 8]
    assert [config.scale(name) for name in ("a.q", "b.a.q")] == [4.0, 2.0]


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({"peft_type": "LOHA"}, "peft_type is 'LOHA'"),
        ({"peft_type": "IA3"}, "only LORA"),
        ({"use_dora": True}, "DoRA"),
        ({"bias": "all"}, "bias is 'all'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"init_lora_weights": "pissa_niter_4"}, "path_initial_model_for_weight_conversion"),
        ({"r": 3}, "has rank 2, but its config says 3"),
        ({"r": "many"}, "adapter_config.json: r:"),
        ({"rank_pattern": {"(": 2}}, "no regular expression"),
        ({"extra": {"m.lora_magnitude_vector": torch.ones(2)}}, "none of plain LoRA"),
        ({"extra": {"n.lora_A.weight": torch.ones(2, 5)}}, "n has no factor B"),
        ({"extra": {"n.weight": torch.ones(2, dtype=torch.int64)}}, "has type I64"),
    ],
)
def test_what_cannot_be_merged_is_refused(
    adapter: Make, random_pair: Pair, config: dict[str, Any], part: str
) -> None:
    pairs = {"m": random_pair(2)}
    assert part in message(lambda: adapter(pairs, **config))


def test_files_that_are_missing_or_damaged_are_refused(
    adapter: Make, random_pair: Pair, tmp_path: Path
) -> None:
    assert "no such folder" in message(lambda: Adapter(tmp_path / "nowhere"))
    assert "no adapter_config.json" in message(lambda: Adapter(tmp_path))
    path = adapter({"m": random_pair()}).path
    weights = path / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    assert "not whole safetensors" in message(lambda: Adapter(path))
    weights.rename(path / "adapter_model.bin")
    assert "pickle .bin files are not read" in message(lambda: Adapter(path))
    (path / "adapter_config.json").write_text("{")
    assert "adapter_config.json cannot be read" in message(lambda: Adapter(path))


def test_convolutions_and_values_that_are_not_finite_are_refused(
    adapter: Make, random_pair: Pair
) -> None:
    a, b = random_pair()
    four = {"n.lora_A.weight": torch.ones(2, 5, 3, 3), "n.lora_B.weight": torch.ones(4, 2, 1, 1)}
    assert "linear and embedding" in message(lambda: adapter({"m": (a, b)}, extra=four))
    broken = adapter({"m": (a.index_fill(0, torch.tensor([1]), torch.inf), b)})
    assert "lora_A.weight has NaN or infinite" in message(lambda: broken.factors("m"))


def test_all_that_does_not_fit_is_said_together(adapter: Make, random_pair: Pair) -> None:
    first = adapter(
        {"m": random_pair(), "n": random_pair(2), "o": random_pair()},
        base_model_name_or_path="one",
        extra={"head.weight": torch.ones(3)},
    )
    other = adapter(
        {"m": random_pair(outputs=7), "n": random_pair(3)},
        base_model_name_or_path="two",
        task_type="SEQ_CLS",
        fan_in_fan_out=True,
        extra={"head.weight": torch.ones(4), "o.weight": torch.ones(6, 5)},
    )
    text = message(lambda: check_fit([first, other], equal_ranks=True))
    for part in (
        "base_model_name_or_path is two, not one",
        "task_type is SEQ_CLS, not CAUSAL_LM",
        "fan_in_fan_out is true",
        "m is 7 x 5, not 6 x 5",
        "n has rank 3, not 2",
        "head.weight has shape [4], not [3]",
        "has o.weight in full, while another adapts it",
    ):
        assert part in text
    silent = adapter({"m": random_pair()}, base_model_name_or_path=None, task_type=None)
    check_fit([first, silent])


def test_digest_sees_the_scale(adapter: Make, random_pair: Pair) -> None:
    pairs = {"m": random_pair()}
    assert adapter(pairs).digest() == adapter(pairs).digest()
    assert adapter(pairs).digest() != adapter(pairs, lora_alpha=4).digest()


def test_writing_folds_the_scale_in_and_reads_back(tmp_path: Path, random_pair: Pair) -> None:
    (a, b), (c, d) = random_pair(3), random_pair(1)

    def factors() -> Iterator[tuple[str, Factors]]:
        yield "x.n", Factors(c, d)
        yield "embed", Factors(a, b, 0.5)

    saved = {"head.weight": torch.ones(4), "embed.weight": torch.ones(5, 6)}
    config = AdapterConfig(r=99, lora_alpha=1, use_rslora=True, base_model_name_or_path="b")
    digest = write_adapter(
        tmp_path / "a", config, factors(), embeddings=["embed"], saved=saved, dtype=torch.bfloat16
    )
    one = Adapter(tmp_path / "a")
    assert digest == one.digest()
    assert one.layout("embed") == (6, 5, True)
    assert one.saved == ("embed.weight", "head.weight")
    found = one.factors("embed")
    assert found is not None
    assert found.scale == 1
    assert torch.equal(found.b, (b * 0.5).bfloat16().float())
    assert one.rank("x.n") == 1
    fields = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert fields["rank_pattern"] == fields["alpha_pattern"] == {r"^x\.n": 1}
    assert (fields["r"], fields["lora_alpha"], fields["use_rslora"]) == (3, 3, False)
    assert fields["modules_to_save"] == ["head"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "a",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
