import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from speciate.errors import BreedError, ConfigError, DiskError, ModelError, UsageError
from speciate.population import breed as breeding
from speciate.population.breed import breed
from speciate.population.operators.registry import OPERATORS
from speciate.population.plan import make_plan
from speciate.population.threads import set_num_threads
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]

PULLS = {"inertia": 0.2, "cognitive": 0.3, "social": 0.1, "repulsion": 0.1, "step": 0.5}
SWARM = "current personal_best best worst inertia_from inertia_to"
RECIPES = {
    "linear": ("model model model", {"weights": [0.2, 0.3, 0.5]}),
    "slerp": ("model model", {"t": 0.3}),
    "task_arithmetic": ("base model model", {"scale": 0.7}),
    "ties": ("base model model", {"density": 0.4}),
    "dare_linear": ("base model model", {"density": 0.5}),
    "dare_ties": ("base model model", {"density": 0.5}),
    "gaussian": ("parent", {"sigma": 0.1, "density": 0.5}),
    "succession": (SWARM, PULLS),
}
PINNED = {
    "linear": "f316836c0341a09b",
    "slerp": "f14cae241b74ed87",
    "task_arithmetic": "1ddf0f306a394f61",
    "ties": "a9a85258766a9ba1",
    "dare_linear": "7a7e68d519c1d518",
    "dare_ties": "c225149a0e80599b",
    "gaussian": "98cc58563b9ba5d1",
    "succession": "8448477220a95c78",
}


def recipe(operator: str, seed: int = 0, **changed: Any) -> Recipe:
    roles, parameters = RECIPES[operator]
    parents = tuple(Parent(f"p{n % 3}", role) for n, role in enumerate(roles.split()))
    return Recipe(operator, parents, parameters | changed, seed)


@pytest.fixture
def models(folder: Folder, random_weights: Random) -> dict[str, Path]:
    return {f"p{n}": folder(f"p{n}", random_weights(n)) for n in range(3)}


@pytest.mark.parametrize("operator", RECIPES)
def test_same_recipe_same_bytes(
    operator: str, models: dict[str, Path], tmp_path: Path, folder: Folder, random_weights: Random
) -> None:
    """Whatever the shards of parents and child, and whatever the number of threads."""
    digest = breed(recipe(operator), models, tmp_path / "one")
    shards = [["used", "embed"], ["norm"], ["steps", "proj"]]
    sharded = {f"p{n}": folder(f"s{n}", random_weights(n), shards=shards) for n in range(3)}
    threads = torch.get_num_threads()
    try:
        set_num_threads(1 + threads % 2)
        assert breed(recipe(operator), sharded, tmp_path / "two", shard_bytes=80) == digest
    finally:
        set_num_threads(threads)
    one, two = Checkpoint(tmp_path / "one"), Checkpoint(tmp_path / "two")
    assert one.digest() == two.digest() == digest
    assert len(list((tmp_path / "two").glob("*.safetensors"))) > 1
    for name in one.names:
        assert one.dtype(name) == Checkpoint(models["p0"]).dtype(name)
        assert torch.equal(one.tensor(name), two.tensor(name))
    for name in ("steps", "used"):
        assert torch.equal(one.tensor(name), Checkpoint(models["p0"]).tensor(name))


FORKED = ["linear", "slerp", "ties", "dare_ties", "gaussian"]


@pytest.mark.forks
@pytest.mark.parametrize("operator", [*FORKED, "ties of the whole model", "stack"])
def test_processes_make_the_same_bytes(
    operator: str, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the whole model is looked at first, and where the child has several segments."""
    monkeypatch.setattr("speciate.population.breed.WORTH_FORKING", 1)
    parts: list[int] = []
    real = breeding.side_by_side
    monkeypatch.setattr(breeding, "side_by_side", lambda *all: parts.append(all[2]) or real(*all))
    chosen = recipe(operator) if operator in FORKED else recipe("ties", scope="model", density=0.3)
    plan = make_plan(chosen, models)
    if operator == "stack":
        half = len(plan.segments[0].names) // 2
        pieces = plan.segments[0].names[:half], plan.segments[0].names[half:]
        segments = tuple(replace(plan.segments[0], names=names) for names in pieces)
        plan = replace(plan, segments=segments)
    told: list[int] = []
    threads = breeding.carry_out(plan, tmp_path / "threads", jobs=2)
    forked = breeding.carry_out(plan, tmp_path / "forked", jobs=2, progress=told.append, fork=True)
    assert parts == [2]
    assert forked == threads == Checkpoint(tmp_path / "forked").digest()
    assert sum(told) == plan.frame.nbytes


@pytest.mark.forks
def test_a_process_finds_what_is_not_finite(
    models: dict[str, Path],
    folder: Folder,
    random_weights: Random,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("speciate.population.breed.WORTH_FORKING", 1)
    weights = random_weights(1)
    weights["proj"][2, 2] = torch.nan
    models["p1"] = folder("nan", weights)
    with pytest.raises(ModelError, match="tensor proj has NaN"):
        breeding.carry_out(make_plan(recipe("ties"), models), tmp_path / "x", jobs=2, fork=True)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("operator", RECIPES)
def test_seed_and_names(operator: str, models: dict[str, Path], tmp_path: Path) -> None:
    digest = breed(recipe(operator), models, tmp_path / "one")
    other = breed(recipe(operator, seed=1), models, tmp_path / "two")
    assert (other != digest) == (operator in ("dare_linear", "dare_ties", "gaussian"))
    # Only what the parents are matters, not how they are called.
    named = Recipe.from_json(recipe(operator).to_json())
    parents = tuple(Parent("x" + parent.id, parent.role) for parent in named.parents)
    renamed = Recipe(operator, parents, named.parameters, 0)
    folders = {f"x{name}": path for name, path in models.items()}
    assert breed(renamed, folders, tmp_path / "three") == digest


def test_bytes_are_the_same_for_ever(folder: Folder, tmp_path: Path) -> None:
    models = {f"p{n}": folder(f"m{n}", {"x": torch.arange(64.0) ** n}) for n in range(3)}
    for operator, expected in PINNED.items():
        assert breed(recipe(operator), models, tmp_path / operator)[:16] == expected


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("operator", RECIPES)
def test_u8_cast_of_the_float32_child(
    operator: str, dtype: str, models: dict[str, Path], tmp_path: Path
) -> None:
    breed(recipe(operator), models, tmp_path / "wide", dtype="float32")
    breed(recipe(operator), models, tmp_path / "narrow", dtype=dtype)
    wide, narrow = Checkpoint(tmp_path / "wide"), Checkpoint(tmp_path / "narrow")
    for name in ("embed", "norm", "proj"):
        assert wide.dtype(name) == torch.float32
        assert torch.equal(narrow.tensor(name), wide.tensor(name).to(getattr(torch, dtype)))


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**64 - 1))
def test_any_seed_of_a_recipe_will_do(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    path = tmp_path_factory.mktemp("seed")
    from_library(path / "p0", {"x": torch.zeros(50)})
    breed(recipe("gaussian", seed=seed, density=1.0), {"p0": path / "p0"}, path / "out")
    assert Checkpoint(path / "out").tensor("x").count_nonzero() == 50


def from_library(path: Path, tensors: dict[str, Tensor]) -> None:
    path.mkdir()
    (path / "config.json").write_text("{}")
    save_file(tensors, path / "model.safetensors")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_incompatible_parents_are_refused_before_a_tensor_is_read(
    models: dict[str, Path],
    folder: Folder,
    random_weights: Random,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: some tools leave a model of another shape out of the merge without a word."""
    weights = random_weights(1) | {"proj": torch.zeros(6, 5)}
    models["p1"] = folder("other", weights)
    monkeypatch.setattr(Checkpoint, "read", lambda *_: pytest.fail("read a tensor"))
    with pytest.raises(ModelError, match=r"p1: proj has shape \[6, 5\], not \[6, 6\]"):
        breed(recipe("ties"), models, tmp_path / "out")


def test_other_vocabulary_is_refused(
    models: dict[str, Path], folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    models["p1"] = folder("other", random_weights(1), vocabulary={"a": 0, "b": 1, "z": 2, "d": 3})
    with pytest.raises(ModelError, match="p1: token 'c' is absent, not 2"):
        breed(recipe("linear"), models, tmp_path / "out")


@pytest.mark.parametrize("operator", ["linear", "ties", "dare_linear"])
def test_parent_with_nan_is_named(
    operator: str, models: dict[str, Path], folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    weights = random_weights(1)
    weights["norm"][2] = float("nan")
    models["p1"] = folder("sick", weights)
    before = left(tmp_path)
    with pytest.raises(ModelError, match="sick: tensor norm has NaN"):
        breed(recipe(operator), models, tmp_path / "out")
    assert left(tmp_path) == before


def test_child_that_overflows_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    before = left(tmp_path)
    with pytest.raises(BreedError, match="embed: the result has NaN or infinite values in float32"):
        breed(recipe("task_arithmetic", scale=1e39), models, tmp_path / "out")
    with pytest.raises(BreedError, match=r"embed: .* in float16"):
        breed(recipe("task_arithmetic", scale=1e6), models, tmp_path / "out", dtype="float16")
    assert left(tmp_path) == before


def test_full_disk(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(DiskError, match=r"needs .* on disk but"):
        breed(recipe("ties"), models, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_base_is_the_frame_wherever_it_stands(models: dict[str, Path], tmp_path: Path) -> None:
    parents = (Parent("p0", "model"), Parent("p2", "base"))
    breed(Recipe("ties", parents, {}, 0), models, tmp_path / "out")
    assert Checkpoint(tmp_path / "out").tensor("steps").tolist() == [1, 2, 5]


def test_what_cannot_begin(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'slerp'"):
        breed(Recipe("slrp", (), {}, 0), models, tmp_path / "out")
    with pytest.raises(BreedError, match="parent 'p1': its model folder is not given"):
        breed(recipe("ties"), {"p0": models["p0"]}, tmp_path / "out")
    with pytest.raises(UsageError, match="exists already"):
        breed(recipe("ties"), models, models["p2"])


@pytest.fixture(scope="module")
def llamas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny tied models with their tokenizer, as transformers saves them."""
    root, config = tmp_path_factory.mktemp("llamas"), LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    paths = {}
    for number in range(3):
        torch.manual_seed(number)
        paths[f"p{number}"] = root / f"p{number}"
        LlamaForCausalLM(config).save_pretrained(paths[f"p{number}"])
        words = Tokenizer(WordLevel({f"w{n}": n for n in range(32)}, unk_token="w0"))
        words.save(str(paths[f"p{number}"] / "tokenizer.json"))
    return paths


def logits(model: Any) -> Tensor:
    with torch.inference_mode():
        result: Tensor = model.eval()(torch.arange(24).reshape(2, 12)).logits
    return result


@pytest.mark.parametrize("shard_bytes", [5 * 2**30, 4000])
def test_transformers_loads_the_child(
    llamas: dict[str, Path], tmp_path: Path, shard_bytes: int
) -> None:
    assert "lm_head.weight" not in Checkpoint(llamas["p0"]).names
    breed(recipe("task_arithmetic"), llamas, tmp_path / "out", shard_bytes=shard_bytes)
    child, info = AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(info.values())
    assert child.lm_head.weight is child.model.embed_tokens.weight

    base, *models = (AutoModelForCausalLM.from_pretrained(path) for path in llamas.values())
    with torch.no_grad():
        pairs = zip(*(m.parameters() for m in (base, *models)), strict=True)
        for theta, one, two in pairs:
            theta += 0.7 * ((one - theta) + (two - theta))
    assert torch.allclose(logits(child), logits(base), atol=1e-5)
    assert not torch.allclose(logits(child), logits(models[0]), atol=1e-2)


def test_child_in_another_type_says_so(llamas: dict[str, Path], tmp_path: Path) -> None:
    breed(recipe("linear"), llamas, tmp_path / "out", dtype="bfloat16")
    child = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert child.dtype == torch.bfloat16
    assert child.config.dtype == torch.bfloat16


@pytest.mark.parametrize("operator", RECIPES)
def test_tensors_without_elements_stay(
    operator: str, folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    empty = {"empty": torch.zeros(0, 4)}
    models = {f"p{n}": folder(f"e{n}", random_weights(n) | empty) for n in range(3)}
    digest = breed(recipe(operator), models, tmp_path / "out")
    out = Checkpoint(tmp_path / "out")
    assert out.shape("empty") == (0, 4)
    assert out.digest() == digest


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize(
    "operator",
    ["linear", "ties", "dare_linear", "dare_ties", "della", "compeft", "opcm", "karcher"],
)
def test_a_parent_that_is_not_finite_is_named(
    operator: str, value: float, folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    """Regression: an operator that measures first failed there, or blamed another tensor."""
    models = {f"p{n}": folder(f"n{n}", random_weights(n)) for n in range(3)}
    bad = random_weights(1)
    bad["proj"][1] = value
    models["p1"] = folder("bad", bad)
    roles = ["base", "model", "model"] if "base" in OPERATORS[operator].roles else ["model"] * 2
    names = ["p2", "p0", "p1"][-len(roles) :]
    parents = tuple(Parent(n, role) for n, role in zip(names, roles, strict=True))
    with pytest.raises(ModelError, match="bad: tensor proj has NaN"):
        breed(Recipe(operator, parents, {}, 0), models, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_statistics_that_are_none_are_refused(
    folder: Folder, random_weights: Random, tmp_path: Path
) -> None:
    """Regression: models without statistics were merged as by a plain average, without a word."""
    models = {f"p{n}": folder(f"m{n}", random_weights(n)) for n in range(2)}
    for kind in ("fisher", "gram"):
        save_file({f"proj.{kind}": torch.ones(6, 6)}, tmp_path / f"{kind}.safetensors")
        models[kind] = tmp_path / f"{kind}.safetensors"
    both = (Parent("p0", "model"), Parent("p1", "model"))
    measured = Parent("fisher", "statistics")
    with pytest.raises(ConfigError, match="1 parents are 'statistics' for 2 models"):
        breed(Recipe("fisher", (*both, measured), {}, 0), models, tmp_path / "out")
    wrong = (measured, Parent("gram", "statistics"))
    with pytest.raises(ModelError, match=r"gram\.safetensors: has no fisher of any weight"):
        breed(Recipe("fisher", (*both, *wrong), {}, 0), models, tmp_path / "out")
    breed(Recipe("fisher", (*both, measured, measured), {}, 0), models, tmp_path / "out")
