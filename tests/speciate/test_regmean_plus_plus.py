"""RegMean++ against RegMean, where they must agree, and its walk through a model of some blocks."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from speciate.configs.operators.statistics import RegMean
from speciate.errors import ConfigError, UsageError
from speciate.evaluator.measure import FILE, Settings
from speciate.evaluator.measure.collect import collect
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.operators.statistics.gram import solve
from speciate.population.weights import Checkpoint
from speciate.regmean_plus_plus import regmean_plus_plus

Make = Callable[..., list[Path]]
TEXTS = ("hello world", "two and two is four", "the sky is blue")


@pytest.fixture
def make(tmp_path: Path, zoo: Path) -> Make:
    """Folders of two models with one embedding and different blocks."""

    def build(layers: int, tied: bool) -> list[Path]:
        config = LlamaConfig(
            vocab_size=320,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            tie_word_embeddings=tied,
        )
        folders = []
        for seed in range(2):
            torch.manual_seed(seed)
            model, folder = LlamaForCausalLM(config), tmp_path / f"model-{seed}"
            torch.manual_seed(9)
            torch.nn.init.normal_(model.model.embed_tokens.weight)
            model.save_pretrained(folder)
            for name in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(zoo / "models" / "base" / name, folder)
            folders.append(folder)
        return folders

    return build


@pytest.fixture
def tasks(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for number, path in enumerate(paths):
        path.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS[number:]))
    return paths


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = load_file(folder / "model.safetensors")
    return found


def near(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(
        torch.allclose(one[n], two[n], rtol=1e-3, atol=1e-5) for n in one
    )


def solved(pair: Sequence[Tensor], grams: Sequence[Tensor]) -> Tensor:
    return solve(pair, grams, [0.5, 0.5], 0.9, 1e-6)


def test_one_block_is_merged_as_by_regmean(make: Make, tasks: list[Path], tmp_path: Path) -> None:
    models = make(1, tied=True)
    digest = regmean_plus_plus(models, tasks, tmp_path / "out")
    assert digest == Checkpoint(tmp_path / "out").digest()
    found = []
    for number, (model, task) in enumerate(zip(models, tasks, strict=True)):
        collect(model, task, tmp_path / f"s{number}", Settings(kinds=("gram",)))
        found.append(load_file(tmp_path / f"s{number}" / FILE))
    ours = [weights(model) for model in models]
    wanted = {
        name: solved([one[name] for one in ours], [one[f"{name}.gram"] for one in found])
        if f"{name}.gram" in found[0]
        else (ours[0][name] + ours[1][name]) / 2
        for name in ours[0]
    }
    assert near(weights(tmp_path / "out"), wanted)
    assert not near(wanted, {n: (ours[0][n] + ours[1][n]) / 2 for n in wanted})


def test_later_blocks_and_the_head_see_merged_ones(
    make: Make, tasks: list[Path], tmp_path: Path
) -> None:
    """The second block's statistics come from a model whose first block is the merged one."""
    models = make(2, tied=False)
    told: list[tuple[int, int]] = []
    regmean_plus_plus(models, tasks, tmp_path / "out", progress=lambda *p: told.append(p))
    assert told == [(n, 25) for n in range(1, 26)]
    merged, ours = weights(tmp_path / "out"), [weights(model) for model in models]
    for name, own in (
        ("model.layers.0.mlp.down_proj.weight", ("model.layers.0.", "model.layers.1.")),
        ("model.layers.1.mlp.down_proj.weight", ("model.layers.1.",)),
        ("lm_head.weight", ()),
    ):
        grams = []
        for number, one in enumerate(ours):
            mixed = {n: one[n] if n.startswith(own) else merged[n] for n in merged}
            grams.append(gram(models[number], mixed, name, TEXTS[number:]))
        wanted = solved([one[name] for one in ours], grams)
        assert torch.allclose(merged[name], wanted, rtol=1e-3, atol=1e-5), name


def gram(folder: Path, state: dict[str, Tensor], name: str, texts: Sequence[str]) -> Tensor:
    module = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    module.load_state_dict(state)
    rows: list[Tensor] = []
    layer = module.get_submodule(name.removesuffix(".weight"))
    layer.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0][0].detach()))
    for text in texts:
        module(torch.tensor([Tokenizer(folder).encode(text)]))
    x = torch.cat(rows)
    return x.T @ x / len(x)


def test_equal_models_stay(make: Make, tasks: list[Path], tmp_path: Path) -> None:
    model = make(2, tied=False)[0]
    regmean_plus_plus([model, model], tasks, tmp_path / "out")
    merged, before = weights(tmp_path / "out"), weights(model)
    assert all(torch.equal(merged[name], before[name]) for name in before)


def test_same_data_same_bytes(make: Make, tasks: list[Path], tmp_path: Path) -> None:
    models, some = make(2, tied=True), RegMean(weights=(1, 3), off_diagonal=0.5)
    one, two = (
        regmean_plus_plus(models, tasks, tmp_path / name, some, dtype="bfloat16") for name in "ab"
    )
    assert one == two
    assert weights(tmp_path / "a")["model.norm.weight"].dtype == torch.bfloat16


def test_what_cannot_be_merged(make: Make, tasks: list[Path], tmp_path: Path) -> None:
    models = make(1, tied=True)
    with pytest.raises(ConfigError, match="1 tasks given for 2 models"):
        regmean_plus_plus(models, tasks[:1], tmp_path / "out")
    with pytest.raises(ConfigError, match="3 given for 2 models"):
        regmean_plus_plus(models, tasks, tmp_path / "out", RegMean(weights=(1, 1, 1)))
    with pytest.raises(ConfigError, match="no models given"):
        regmean_plus_plus([], [], tmp_path / "out")
    with pytest.raises(UsageError, match="exists already"):
        regmean_plus_plus(models, tasks, models[0])
    assert not list(tmp_path.glob("*out*"))
