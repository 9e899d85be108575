"""Statistics of a tiny random Llama, compared with what plain autograd and hooks give."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from speciate.errors import ConfigError, ModelError, TaskError, UsageError
from speciate.evaluator.measure import ABOUT, FILE, Prior, Settings
from speciate.evaluator.measure.collect import collect
from speciate.evaluator.measure.labels import loss
from speciate.evaluator.measure.texts import Text
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.weights import Checkpoint

Make = Callable[..., Path]
EMPIRICAL = Settings(kinds=("fisher",), labels="empirical")
Q = "model.layers.0.self_attn.q_proj.weight"
ITEMS = (
    {"text": "hello world"},
    {"prompt": "two and two is ", "answer": ["four", "4"]},
    {"prompt": "sky: ", "choices": ["red", "blue"], "answer": 1},
)
TEXTS = ("hello world", "two and two is four", "sky: blue")


@pytest.fixture
def make(tmp_path: Path, zoo: Path) -> Make:
    """A model folder of random weights by seed."""

    def build(seed: int, tied: bool = False) -> Path:
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=320,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            tie_word_embeddings=tied,
            bos_token_id=256,
            eos_token_id=257,
        )
        folder = tmp_path / f"model-{seed}{'-tied' * tied}"
        LlamaForCausalLM(config).save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(zoo / "models" / "base" / name, folder)
        return folder

    return build


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "task.jsonl"
    path.write_text("\n".join(json.dumps(item) for item in ITEMS) + "\n\n")
    return path


def measure(model: Path, task: Path, settings: Settings) -> dict[str, Tensor]:
    out = model.with_name(f"{model.name}.out")
    shutil.rmtree(out, ignore_errors=True)
    collect(model, task, out, settings)
    found: dict[str, Tensor] = load_file(out / FILE)
    return found


def loaded(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def pairs(model: Path) -> list[tuple[list[int], int]]:
    """Token ids, and where the answer begins; bytes are tokens, and spaces go with answers."""
    tokens = [Tokenizer(model).encode(text) for text in TEXTS]
    starts = [1, 1 + len("two and two is"), 1 + len("sky:")]
    return list(zip(tokens, starts, strict=True))


def gradients(folder: Path) -> list[tuple[dict[str, Tensor], int]]:
    """One backward pass an item, from scratch; the loss is summed over the answer's tokens."""
    found = []
    for tokens, start in pairs(folder):
        model = loaded(folder)
        logits = model(torch.tensor([tokens])).logits[0, start - 1 : -1]
        torch.nn.functional.cross_entropy(
            logits, torch.tensor(tokens[start:]), reduction="sum"
        ).backward()
        grads = {n: p.grad.clone() for n, p in model.named_parameters()}
        found.append((grads, len(tokens) - start))
    return found


def test_fisher_is_the_mean_of_squared_gradients_of_single_items(make: Make, task: Path) -> None:
    model = make(0)
    found, one_by_one = measure(model, task, EMPIRICAL), gradients(model)
    assert set(found) == {f"{name}.fisher" for name in Checkpoint(model).names}
    for name in Checkpoint(model).names:
        wanted = torch.stack([grads[name].square() for grads, _ in one_by_one]).mean(0)
        assert torch.allclose(found[f"{name}.fisher"], wanted, rtol=1e-4, atol=1e-9)


def test_fisher_of_rcp_is_gradient_times_weight_squared(make: Make, task: Path) -> None:
    model = make(0)
    found = measure(model, task, Settings(kinds=("fisher_weighted",)))
    weights = load_file(model / "model.safetensors")
    for name, weight in weights.items():
        terms = [(grads[name] / count * weight).square() for grads, count in gradients(model)]
        wanted = torch.stack(terms).mean(0)
        assert torch.allclose(found[f"{name}.fisher_weighted"], wanted, rtol=1e-4, atol=1e-12)


def test_sampled_labels_follow_the_distribution_of_the_model() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1e9], [0.0, 0.0, 0.0, 0.0]])
    texts = [Text((0, 1), 1, number) for number in range(2000)]
    losses = torch.stack([loss(logits, text, "sampled", 3) for text in texts])
    for chance in logits[0].softmax(-1)[:3]:
        drawn = (losses - -chance.log()).abs() < 1e-5
        assert abs(float(drawn.float().mean() - chance)) < 0.03


def test_sampled_labels_follow_the_seed(make: Make, task: Path) -> None:
    model, sampled = make(0), Settings(kinds=("fisher",), labels="sampled", seed=1)
    one, two = measure(model, task, sampled), measure(model, task, sampled)
    other = measure(model, task, replace(sampled, seed=2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one[f"{Q}.fisher"], other[f"{Q}.fisher"])
    assert not torch.equal(one[f"{Q}.fisher"], measure(model, task, EMPIRICAL)[f"{Q}.fisher"])


def test_inputs_are_those_that_hooks_see(make: Make, task: Path) -> None:
    model = make(0)
    kinds = ("gram", "mean", "mean_absolute", "second_moment")
    found = measure(model, task, Settings(kinds=kinds, memory_gib=1e-5))
    module, seen = loaded(model), {}
    for name, layer in module.named_modules():
        if isinstance(layer, torch.nn.Linear):
            rows = seen[f"{name}.weight"] = []
            layer.register_forward_pre_hook(lambda _, x, rows=rows: rows.append(x[0][0].detach()))
    for tokens, _ in pairs(model):
        module(torch.tensor([tokens]))
    assert set(found) == {f"{name}.{kind}" for name in seen for kind in kinds}
    for name, rows in seen.items():
        x = torch.cat(rows).double()
        for kind, wanted in (
            ("gram", x.T @ x / len(x)),
            ("mean", x.mean(0)),
            ("mean_absolute", x.abs().mean(0)),
            ("second_moment", x.square().mean(0)),
        ):
            assert torch.allclose(found[f"{name}.{kind}"].double(), wanted, atol=1e-6)


def test_output_gradients_have_a_gram_matrix_too(make: Make, task: Path) -> None:
    model = make(0)
    found = measure(model, task, Settings(kinds=("gram_out",), labels="empirical"))
    assert "lm_head.weight.gram_out" not in found
    module, rows = loaded(model), []
    module.model.layers[0].self_attn.q_proj.register_full_backward_hook(
        lambda _, __, gradient: rows.append(gradient[0][0])
    )
    for tokens, start in pairs(model):
        logits = module(torch.tensor([tokens])).logits[0, start - 1 : -1]
        target = torch.tensor(tokens[start:])
        torch.nn.functional.cross_entropy(logits, target, reduction="sum").backward()
    x = torch.cat(rows)
    assert torch.allclose(found[f"{Q}.gram_out"], x.T @ x / len(x), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("penalty", [0.0, 1e3, 1e30])
def test_votes_of_rcp(make: Make, task: Path, tmp_path: Path, penalty: float) -> None:
    reasoning, domain = make(1), make(0)
    collect(reasoning, task, tmp_path / "prior", Settings(kinds=("fisher_weighted",)))
    prior = Prior(reasoning, tmp_path / "prior", penalty)
    found = measure(domain, task, Settings(kinds=("rcp_votes",), prior=prior))
    fisher = load_file(tmp_path / "prior" / FILE)
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (domain, reasoning))
    for name, weight in ours.items():
        cost = fisher[f"{name}.fisher_weighted"] * (theirs[name] - weight).square()
        scores = [g[name] / count * weight + penalty * cost for g, count in gradients(domain)]
        wanted = sum(torch.where(score <= 0, 1, -1) for score in scores)
        votes = found[f"{name}.rcp_votes"]
        assert votes.dtype == torch.int16
        # Scores within rounding of 0 may go either way.
        assert (votes != wanted).float().mean() < 0.01
        if penalty == 1e30:
            assert bool((votes[cost > 0] < 0).all())


def test_a_tied_head_is_measured_as_the_embedding(make: Make, task: Path) -> None:
    model = make(0, tied=True)
    found = measure(model, task, replace(EMPIRICAL, kinds=("fisher", "gram")))
    assert not any(name.startswith("lm_head") for name in found)
    assert "model.embed_tokens.weight.gram" not in found
    grads = [one["model.embed_tokens.weight"] for one, _ in gradients(model)]
    wanted = torch.stack(grads).square().mean(0)
    assert torch.allclose(found["model.embed_tokens.weight.fisher"], wanted, rtol=1e-4, atol=1e-9)


def test_a_folder_says_what_was_measured(make: Make, task: Path, tmp_path: Path) -> None:
    model, told = make(0), []
    settings = Settings(kinds=("gram", "fisher", "fisher_weighted"), items=2)
    digest = collect(model, task, tmp_path / "one", settings, lambda *pair: told.append(pair))
    assert digest == collect(model, task, tmp_path / "two", settings)
    assert told == [(n, 6) for n in range(1, 7)]
    about = json.loads((tmp_path / "one" / ABOUT).read_text())
    assert about["digest"] == digest
    assert about["model"] == Checkpoint(model).digest()
    assert (about["items"], about["left_out"], about["labels"]) == (2, 0, "sampled")
    assert str(tmp_path) not in json.dumps(about)
    assert (tmp_path / "one" / ABOUT).read_text() == (tmp_path / "two" / ABOUT).read_text()
    assert {path.name for path in (tmp_path / "one").iterdir()} == {FILE, ABOUT}


def test_long_items_are_cut_and_counted(make: Make, task: Path, tmp_path: Path) -> None:
    collect(make(0), task, tmp_path / "out", replace(EMPIRICAL, max_tokens=8))
    about = json.loads((tmp_path / "out" / ABOUT).read_text())
    assert (about["items"], about["left_out"], about["tokens"]) == (2, 1, 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(kinds=("fishy",)), "'fishy' is not one of"),
        (Settings(kinds=()), "none given"),
        (Settings(items=0), "items: 0 is not between"),
        (Settings(max_tokens=1), "leave nothing to predict"),
        (Settings(seed=-1), "seed: -1"),
        (Settings(kinds=("rcp_votes",)), "needs a reasoning model"),
        (Settings(device="cuda:77"), "cannot be used"),
    ],
)
def test_settings_that_cannot_be_carried_out(
    make: Make, task: Path, tmp_path: Path, settings: Settings, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        collect(make(0), task, tmp_path / "out", settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "none of 0 items"),
        ("{", "task.jsonl:1: not JSON"),
        ("[]", "task.jsonl:1: not an item of a task"),
        ('\n{"texts": "a"}', "task.jsonl:2: not an item of a task"),
        ('{"prompt": "a", "choices": ["a", "b"], "answer": 2}', "answer 2 is not one of 2"),
    ],
)
def test_files_that_are_no_tasks(
    make: Make, task: Path, tmp_path: Path, text: str, message: str
) -> None:
    task.write_text(text)
    with pytest.raises(TaskError, match=message):
        collect(make(0), task, tmp_path / "out", EMPIRICAL)
    with pytest.raises(TaskError, match="cannot be read"):
        collect(make(0), tmp_path / "none", tmp_path / "out", EMPIRICAL)
    assert not list(tmp_path.glob("*out*"))


def test_folders_that_are_no_models(make: Make, task: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no safetensors files"):
        collect(tmp_path, task, tmp_path / "out", EMPIRICAL)
    model = make(0)
    prior = Prior(model, tmp_path / "prior")
    votes = Settings(kinds=("rcp_votes",), prior=prior)
    prior.statistics.mkdir()
    save_file({"x": torch.zeros(1)}, prior.statistics / FILE)
    with pytest.raises(ModelError, match=r"has no tensor model\.embed_tokens\.weight\.fisher_w"):
        collect(model, task, tmp_path / "out", votes)
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        collect(model, task, tmp_path / "out", EMPIRICAL)
