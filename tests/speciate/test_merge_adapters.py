"""Recipes with LoRA adapters, against the PEFT library; and adapters taken out of models."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from speciate.merge_file import merge
from speciate.population.adapters import Adapter
from speciate.population.weights import Checkpoint

peft: Any = pytest.importorskip("peft")
Trained = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def loaded(base: Path, dtype: torch.dtype = torch.float32) -> Any:
    transformers = importlib.import_module("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(
        base, dtype=dtype, local_files_only=True
    )


@pytest.fixture
def trained(bench: Any) -> Trained:
    """An adapter for the zoo's base that the library itself saves, with random factors."""

    def make(name: str, seed: int, **options: Any) -> Path:
        config = peft.LoraConfig(
            task_type="CAUSAL_LM", r=2, target_modules=["q_proj", "down_proj"], **options
        )
        model = peft.get_peft_model(loaded(bench.zoo / "models" / "base"), config)
        generator = torch.Generator().manual_seed(seed)
        for values in (one for one in model.parameters() if one.requires_grad):
            values.data = torch.randn(values.shape, generator=generator) * 0.1
        model.save_pretrained(bench.folder / name)
        folder: Path = bench.folder / name
        fields = json.loads((folder / "adapter_config.json").read_text())
        fields["base_model_name_or_path"] = "someone/base"
        (folder / "adapter_config.json").write_text(json.dumps(fields))
        return folder

    return make


def written(bench: Any, **recipe: Any) -> Path:
    path: Path = bench.folder / "recipe.json"
    path.write_text(json.dumps(recipe))
    return path


def test_an_adapter_is_put_on_its_base(bench: Any, trained: Trained) -> None:
    base, adapter = bench.zoo / "models" / "base", trained("one", 1, lora_alpha=6)
    parents = [{"path": str(base), "adapter": "one"}]
    path = written(bench, operator="linear", parents=parents, dtype="float32")
    merge(path, bench.folder / "out")
    found = loaded(bench.folder / "out").state_dict()
    theirs = peft.PeftModel.from_pretrained(loaded(base), adapter).merge_and_unload().state_dict()
    before = loaded(base).state_dict()
    assert any(not torch.equal(before[name], theirs[name]) for name in before)
    for name, tensor in theirs.items():
        # What is read of the base is rounded to its stored type, bfloat16.
        torch.testing.assert_close(found[name], tensor.bfloat16().float(), rtol=2**-7, atol=1e-6)
    ids = torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        ours = loaded(bench.folder / "out")(ids).logits
        expected = peft.PeftModel.from_pretrained(loaded(base), adapter)(ids).logits
        plain = loaded(base)(ids).logits
    assert (ours - expected).norm() < 0.05 * (plain - expected).norm()


def test_a_weight_of_zero_is_the_base(bench: Any, trained: Trained) -> None:
    base = bench.zoo / "models" / "base"
    trained("one", 1)
    parents = [{"path": str(base), "adapter": "one", "adapter_weight": 0.0}]
    digest = merge(written(bench, operator="linear", parents=parents), bench.folder / "out")
    assert digest == Checkpoint(base).digest()


def test_two_adapters_of_one_base_merge_as_models(bench: Any, trained: Trained) -> None:
    base = str(bench.zoo / "models" / "base")
    one, two = trained("one", 1), trained("two", 2)
    parents = [
        {"path": base, "adapter": "one", "adapter_weight": 0.5},
        {"path": base, "adapter": "two"},
        {"path": base, "role": "base"},
    ]
    path = written(bench, operator="task_arithmetic", parents=parents, dtype="float32")
    merge(path, bench.folder / "out")
    found, before = Checkpoint(bench.folder / "out"), Checkpoint(Path(base))
    name = "model.layers.2.mlp.down_proj"
    factors = [Adapter(folder).factors(name) for folder in (one, two)]
    expected = before.tensor(f"{name}.weight").float()
    for factor, weight in zip(factors, (0.5, 1.0), strict=True):
        assert factor is not None
        expected = expected + factor.delta() * weight
    torch.testing.assert_close(found.tensor(f"{name}.weight"), expected, rtol=2**-6, atol=4e-3)
    card = (bench.folder / "out" / "README.md").read_text()
    for adapter in (one, two):
        assert Adapter(adapter).digest() in card
    assert 'adapter = "one"\nadapter_weight = 0.5' in card


def test_adapters_become_an_adapter(bench: Any, cli: Any, trained: Trained) -> None:
    one, two = trained("one", 1), trained("two", 2)
    path = written(bench, operator="lora_cat", parents=[{"path": "one"}, {"path": "two"}])
    said = cli("merge", path, bench.folder / "out", "--json")
    assert said.status == 0
    child = Adapter(bench.folder / "out")
    assert json.loads(said.out)["digest"] == child.digest()
    name = child.modules[0]
    deltas = [Adapter(folder).factors(name) for folder in (one, two)]
    expected = sum(factor.delta() / 2 for factor in deltas if factor is not None)
    made = child.factors(name)
    assert made is not None
    torch.testing.assert_close(made.delta(), expected)
    card = (bench.folder / "out" / "README.md").read_text()
    assert "library_name: peft" in card
    assert "base_model:\n- someone/base\n" in card
    assert Adapter(one).digest() in card
    assert [path.name for path in bench.folder.glob(".out*")] == []
    assert sorted(path.name for path in (bench.folder / "out").iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    peft.PeftModel.from_pretrained(loaded(bench.zoo / "models" / "base"), bench.folder / "out")


def test_a_dry_run_of_adapters(bench: Any, cli: Any, trained: Trained) -> None:
    trained("one", 1)
    path = written(bench, operator="lora_svd", parents=[{"path": "one"}], parameters={"rank": 1})
    said = cli("merge", path, bench.folder / "out", "--dry-run", "--json")
    found = json.loads(said.out)
    assert (found["modules"], found["ranks"]) == (8, [2])
    assert cli("merge", path, bench.folder / "out", "--dry-run").status == 0
    assert not (bench.folder / "out").exists()


def test_what_cannot_be(bench: Any, trained: Trained) -> None:
    base, out = str(bench.zoo / "models" / "base"), bench.folder / "out"
    trained("one", 1)
    lone = {"path": "one"}
    on_base = {"path": base, "adapter": "one"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"operator": "linear", "parents": [lone]}, "one: an adapter and no model; give its base"),
        ({"operator": "lora_svd", "parents": [on_base]}, "merges adapters; give each as a path"),
        ({"operator": "lora_svd", "parents": [{"path": base}]}, "base: no adapter_config.json"),
        (
            {"operator": "lora_svd", "parents": [{**lone, "role": "model"}]},
            "lora_svd: no parent may be 'model'; known: adapter",
        ),
        (
            {"operator": "lora_svd", "parents": [lone], "parameters": {"rnk": 1}},
            "lora_svd: unknown key 'rnk'; did you mean 'rank'?",
        ),
        (
            {"operator": "lora_linear", "parents": [lone], "parameters": {"weights": [1, 2]}},
            "lora_linear: weights: 2 given for 1 models",
        ),
        (
            {"operator": "linear", "parents": [{**on_base, "adapter": "none"}]},
            "none: no such folder; give the path of a PEFT adapter",
        ),
    ]
    for recipe, said in cases:
        path = written(bench, **recipe)
        for more in ([], ["--dry-run"]):
            assert said in bench.refused("merge", path, out, *more)


@pytest.mark.parametrize(
    "more",
    [
        {"operator": "linear", "tokenizer": "base"},
        {
            "operator": "stack",
            "parameters": {"pieces": [{"parents": [{"parent": 0, "layers": [0, 3]}]}]},
        },
    ],
)
def test_an_adapter_beside_what_else_a_recipe_has(
    bench: Any, trained: Trained, more: dict[str, Any]
) -> None:
    base = str(bench.zoo / "models" / "base")
    trained("one", 1)
    parents = [{"path": base, "adapter": "one"}]
    plain, other = bench.folder / "plain", bench.folder / "other"
    merge(written(bench, operator="linear", parents=parents), plain)
    merge(written(bench, parents=parents, **more), other)
    assert Checkpoint(other).digest() == Checkpoint(plain).digest()


def test_an_adapter_of_another_base(bench: Any, trained: Trained) -> None:
    adapter = trained("one", 1)
    fields = json.loads((bench.zoo / "models" / "base" / "config.json").read_text())
    transformers = importlib.import_module("transformers")
    small = transformers.LlamaConfig(**{**fields, "hidden_size": 64, "head_dim": 16})
    transformers.LlamaForCausalLM(small).save_pretrained(bench.folder / "small")
    path = written(bench, operator="linear", parents=[{"path": "small", "adapter": "one"}])
    line = bench.refused("merge", path, bench.folder / "out")
    assert line.startswith(f"{adapter} does not fit {bench.folder}/small: ")


def test_options_that_mean_nothing_to_adapters(bench: Any, cli: Any, trained: Trained) -> None:
    trained("one", 1)
    path, out = written(bench, operator="lora_svd", parents=[{"path": "one"}]), bench.folder / "out"
    for more in ([], ["--dry-run"]):
        line = bench.refused("merge", path, out, "--device", "cuda", *more)
        assert line == "device: lora_svd merges adapters, on the cpu only; use cpu"
    said = cli("merge", path, out, "--jobs", 1, "--shard-gib", 1, "--json")
    notes = [line for line in said.err.splitlines() if "ignored" in line]
    assert (said.status, len(notes)) == (0, 2)


def test_an_adapter_where_nothing_can_be_written(bench: Any, trained: Trained) -> None:
    trained("one", 1)
    path = written(bench, operator="lora_svd", parents=[{"path": "one"}])
    (bench.folder / "file").touch()
    out = bench.folder / "file" / "out"
    line = bench.refused("merge", path, out)
    assert line == f"{out}: cannot be written (File exists); check the folder"


def test_extract_adapter(bench: Any, cli: Any) -> None:
    models, out = bench.zoo / "models", bench.folder / "adapter"
    command = ("extract-adapter", models / "base", models / "library", out, "--rank", 200)
    said = cli(*command, "--json")
    assert said.status == 0
    assert "changed, but not in the adapter: model.embed_tokens.weight" in said.err
    found = json.loads(said.out)
    assert found["digest"] == Adapter(out).digest()
    assert max(found["lost"].values()) < 1e-3
    assert bench.refused(*command).endswith("exists already; choose another folder or remove it")
    # Put on the base again, it is the model but for what is no linear layer.
    parents = [{"path": str(models / "base"), "adapter": "adapter"}]
    merge(written(bench, operator="linear", parents=parents), bench.folder / "again")
    name = "model.layers.0.mlp.up_proj.weight"
    again, model = (
        Checkpoint(path).tensor(name) for path in (bench.folder / "again", models / "library")
    )
    torch.testing.assert_close(again.float(), model.float(), rtol=2**-6, atol=1e-4)


def test_extract_adapter_for_people(bench: Any, cli: Any) -> None:
    models = bench.zoo / "models"
    command = ("extract-adapter", models / "base", models / "library", bench.folder / "a")
    said = cli(*command, "--rank", 2, "--target", "q_proj", "--dtype", "bfloat16")
    assert said.status == 0
    assert "4 modules, which lose at most" in said.out
    assert cli(*command, "--rank", 0).status == 2
