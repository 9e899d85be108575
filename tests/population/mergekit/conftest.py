"""Tiny Llama models, and what mergekit itself makes of all configs, in one run of it."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor

from speciate.population.breed import carry_out as write
from speciate.population.mergekit import Translation, read_mergekit
from speciate.population.plan import make_plan
from speciate.records import Parent, Recipe

HERE = Path(__file__).parent
Weights = dict[str, Tensor]
HIDDEN, INNER, LAYERS, VOCABULARY = 64, 96, 4, 80
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "tie_word_embeddings": False,
}
_SHAPES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (HIDDEN // 2, HIDDEN),
    "self_attn.v_proj": (HIDDEN // 2, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN),
    "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
    "input_layernorm": (HIDDEN,),
    "post_attention_layernorm": (HIDDEN,),
}


def weights(seed: int, scale: float) -> Weights:
    """Random tensors with the names of a Llama model."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        f"model.layers.{layer}.{module}.weight": shape
        for layer in range(LAYERS)
        for module, shape in _SHAPES.items()
    } | {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    return {n: torch.randn(s, generator=generator) * scale for n, s in shapes.items()}


def _save(
    folder: Path, tensors: Weights, dtype: torch.dtype = torch.float32, **config: Any
) -> None:
    folder.mkdir()
    name = str(dtype).removeprefix("torch.")
    (folder / "config.json").write_text(json.dumps(CONFIG | config | {"dtype": name}))
    save_file(
        {key: value.to(dtype).contiguous() for key, value in tensors.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )


def _save_words(folder: Path, seed: int, words: str) -> None:
    """A model whose tokenizer knows some letters.

    Only one letter is not the base's: in which order mergekit adds several changes from run to run.
    """
    tensors = weights(seed, 0.05)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[name] = tensors[name][: len(words) + 1].contiguous()
    _save(folder, tensors, vocab_size=len(words) + 1)
    ids = {word: number for number, word in enumerate(["<unk>", *words])}
    tokenizer = Tokenizer(WordLevel(ids, unk_token="<unk>"))
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))


def _moved(base: Weights, seed: int, scale: float, shared: float = 0.003) -> Weights:
    """A fine-tune: what all have in common, and what is its own."""
    common, own = weights(99, shared), weights(seed, scale)
    return {name: base[name] + common[name] + own[name] for name in base}


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all models that configs.yml names."""
    folder = tmp_path_factory.mktemp("mergekit")
    base = {n: t + t.ndim % 2 for n, t in weights(0, 0.05).items()}
    _save(folder / "base", base)
    for number, name in enumerate("abc", 1):
        _save(folder / name, _moved(base, number, 0.004))
        _save(folder / f"rough_{name}", _moved(base, number, 0.004), torch.bfloat16)
    _save(folder / "near_a", _moved(base, 4, 1e-6, 2e-6))
    _save(folder / "near_b", _moved(base, 5, 3e-6, 2e-6))
    against = {n: 2 * base[n] - t for n, t in _moved(base, 1, 0.004).items()}
    _save(folder / "against_a", {n: t + weights(6, 0.01)[n] for n, t in against.items()})
    _save(folder / "rough_base", base, torch.bfloat16)
    _save(folder / "far", weights(7, 0.05))
    for number, (name, words) in enumerate({"base": "abcd", "a": "cabed", "b": "beac"}.items(), 8):
        _save_words(folder / f"words_{name}", number, words)
    return folder


def all_configs() -> Mapping[str, Mapping[str, Any]]:
    """By group and name."""
    groups: Mapping[str, Mapping[str, Any]] = yaml.safe_load((HERE / "configs.yml").read_text())
    return groups


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A parameter named after a group stands for the names of its configs."""
    for group, configs in all_configs().items():
        if group in metafunc.fixturenames:
            metafunc.parametrize(group, list(configs))


@pytest.fixture(scope="session")
def configs(workplace: Path) -> Callable[[str], Path]:
    """The file of each config, beside the models."""
    for group in all_configs().values():
        for name, config in group.items():
            (workplace / f"{name}.yml").write_text(yaml.safe_dump(config))
    return lambda name: workplace / f"{name}.yml"


@pytest.fixture(scope="session")
def theirs(workplace: Path, configs: Callable[[str], Path]) -> Callable[[str], Weights | str]:
    """What mergekit makes of a config: tensors, or the message of its error."""
    if importlib.util.find_spec("mergekit") is None:
        pytest.skip("mergekit is not installed")
    names = [name for group in all_configs().values() for name in group]
    jobs = workplace / "jobs.json"
    outs = {name: workplace / f"theirs_{name}" for name in names}
    jobs.write_text(json.dumps([[str(configs(name)), str(outs[name])] for name in names]))
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, HERE / "driver.py", jobs],
        check=True,
        cwd=workplace,
        env=environment,
        capture_output=True,
    )

    def result(name: str) -> Weights | str:
        error = outs[name] / "error"
        if error.is_file():
            return error.read_text()
        return {
            key: tensor
            for file in sorted(outs[name].glob("*.safetensors"))
            for key, tensor in load_file(file).items()
        }

    return result


@pytest.fixture(scope="session")
def ours(workplace: Path, configs: Callable[[str], Path]) -> Callable[[str], Weights]:
    """What our operators make of a config."""

    def result(name: str) -> Weights:
        out = workplace / f"ours_{name}"
        carry_out(read_mergekit(configs(name)), out)
        return load_file(out / "model.safetensors")

    return result


def carry_out(translation: Translation, out: Path) -> None:
    parents = tuple(Parent(str(one.path), one.role) for one in translation.parents)
    recipe = Recipe(translation.operator, parents, dict(translation.parameters), 0)
    models = {str(one.path): one.path for one in translation.parents}
    write(make_plan(recipe, models, translation.dtype, translation.tokenizer), out, jobs=1)
