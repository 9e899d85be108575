"""What mergekit configs are read as, and what is said of those that cannot be."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from speciate.errors import ConfigError, ModelError
from speciate.population.mergekit import Translation, read_mergekit

Read = Callable[..., Translation]
CHATML = "<|im_start|>"
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models of four blocks, with no weights."""
    for name in ("base", "a", "b", "lora"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"num_hidden_layers": 4}')
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Read:
    """Reads a config, given as text or by its keys."""

    def one(text: str | None = None, **keys: Any) -> Translation:
        path = folder / "config.yml"
        path.write_text(yaml.safe_dump(keys) if text is None else text, encoding="utf-8")
        return read_mergekit(path)

    return one


def copy(**keys: Any) -> dict[str, Any]:
    """A config that copies a model."""
    return {"merge_method": "passthrough", "models": [{"model": "a"}], **keys}


def test_the_config_of_a_model_card(read: Read, folder: Path) -> None:
    found = read(
        """
models:
  - model: base
    # no parameters necessary for base model
  - model: a
    parameters:
      density: 0.5
      weight: 0.5
  - model: b
    parameters:
      density: [1, 0.7, 0.1]
      weight: 0.3
merge_method: ties
base_model: base
parameters:
  normalize: true
  int8_mask: true
dtype: float16
tokenizer_source: union
"""
    )
    assert found.operator == "ties"
    assert [(one.path.name, one.role) for one in found.parents] == [
        ("base", "base"),
        ("a", "model"),
        ("b", "model"),
    ]
    assert found.parents[0].path == folder / "base"
    gradient = [{"layers": [0, 3], "value": [1.0, 0.7, 0.1]}, {"value": 1.0}]
    assert found.parameters == {
        "weights": [0.5, 0.3],
        "merge": "mean",
        "majority": "positive",
        "density": {"models": [0.5, gradient]},
        "scope": "tensor",
    }
    assert (found.dtype, found.tokenizer, found.chat_template) == ("float16", "union", None)
    assert [note.partition(":")[0] for note in found.notes] == ["dtype", "tokenizer"]


def test_slices_become_a_stack(read: Read) -> None:
    found = read(
        """
merge_method: passthrough
slices:
- sources: [{model: a, layer_range: [0, 3]}]
- sources: [{model: b, layer_range: [1, 4], parameters: {scale: {filter: o_proj, value: 0}}}]
- sources: [{model: a, layer_range: [3, 4]}]
"""
    )
    assert found.operator == "stack"
    assert [one.path.name for one in found.parents] == ["a", "b"]
    pieces = found.parameters["pieces"]
    assert [one["parents"][0]["layers"] for one in pieces] == [[0, 2], [1, 3], [3, 3]]
    scale = [{"name": "o_proj", "value": 0.0}, {"value": 1.0}]
    assert [one["parameters"] for one in pieces] == [{}, {"scale": scale}, {}]


def test_one_slice_of_all_layers_is_no_stack(read: Read) -> None:
    sources = [{"model": name, "layer_range": [0, 4]} for name in ("base", "a")]
    found = read(
        merge_method="slerp",
        base_model="base",
        slices=[{"sources": sources}],
        parameters={"t": [{"filter": "mlp", "value": [0, 0.5, 0]}, {"value": 0.5}]},
    )
    assert (found.operator, [one.role for one in found.parents]) == ("slerp", ["model"] * 2)
    rules = [{"name": "mlp", "value": [0.0, 0.5, 0.0]}, {"value": 0.5}]
    assert found.parameters == {"t": rules}


def test_the_working_directory_goes_first(
    read: Read, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder / "base")
    assert read(**copy()).parents[0].path == folder / "a"
    other = folder / "base" / "a"
    other.mkdir()
    (other / "config.json").write_text('{"num_hidden_layers": 2}')
    assert read(**copy()).parents[0].path.resolve() == other


@pytest.mark.parametrize(
    "model", ["a+lora", {"model": "a", "lora": "lora"}, {"model": {"path": "a"}, "lora": "lora"}]
)
def test_adapters(read: Read, folder: Path, model: Any) -> None:
    (parent,) = read(**copy(models=[{"model": model}])).parents
    assert parent == (folder / "a", "model", folder / "lora")
    content = read(**copy(models=[{"model": model}])).content()
    assert content["parents"][0]["adapter"] == str(folder / "lora")


@pytest.mark.parametrize(
    ("keys", "dtype"),
    [
        ({}, None),
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"dtype": "float32", "out_dtype": "torch.float16"}, "float16"),
        ({"out_dtype": "bfloat16"}, "bfloat16"),
    ],
)
def test_types(read: Read, keys: dict[str, str], dtype: str | None) -> None:
    assert read(**copy(**keys)).dtype == dtype


@pytest.mark.parametrize(
    ("keys", "tokenizer"),
    [
        ({}, None),
        ({"base_model": "b", "tokenizer_source": "base"}, "base"),
        ({"tokenizer_source": "union"}, "union"),
        ({"tokenizer": {}}, "union"),
        ({"tokenizer_source": "a"}, "base"),
        ({"tokenizer_source": "b"}, "{folder}/b"),
        ({"tokenizer": {"source": "b"}}, "{folder}/b"),
        ({"base_model": "b", "tokenizer_source": "a"}, "{folder}/a"),
    ],
)
def test_tokenizers(read: Read, folder: Path, keys: dict[str, Any], tokenizer: str | None) -> None:
    models = [{"model": name, "parameters": {"weight": 1}} for name in "ab"]
    found = read(merge_method="linear", models=models, **keys)
    assert found.tokenizer == (tokenizer and tokenizer.format(folder=folder))
    assert found.content().get("tokenizer") == found.tokenizer


def test_the_base_goes_first_where_it_gives_but_the_tokenizer(read: Read) -> None:
    models = [{"model": name, "parameters": {"weight": n}} for n, name in enumerate("ab", 1)]
    found = read(merge_method="linear", models=models, base_model="b")
    assert [one.path.name for one in found.parents] == ["b", "a"]
    assert found.parameters["weights"] == [2.0, 1.0]
    slices = [{"sources": [{"model": name, "layer_range": [0, 2]}]} for name in "ab"]
    found = read(merge_method="passthrough", slices=slices, base_model="b")
    assert [one.path.name for one in found.parents] == ["b", "a"]
    assert [one["parents"][0]["parent"] for one in found.parameters["pieces"]] == [1, 0]


def test_a_base_that_is_no_parent_is_noted(read: Read) -> None:
    sources = [{"sources": [{"model": "a", "layer_range": [0, 2]}]}]
    found = read(merge_method="passthrough", base_model="b", slices=sources)
    assert found.tokenizer is None
    assert found.notes[0].startswith("tokenizer: is that of ")


def test_slices_of_all_layers_keep_their_own_base(read: Read) -> None:
    sources = [{"model": name, "layer_range": [0, 4]} for name in "ba"]
    slices = [{"base_model": "a", "sources": sources}]
    found = read(merge_method="slerp", base_model="b", slices=slices, parameters={"t": 0.1})
    assert [one.path.name for one in found.parents] == ["a", "b"]


def test_chat_templates(read: Read, folder: Path) -> None:
    assert read(**copy(chat_template=TEMPLATE)).template_text == TEMPLATE
    assert CHATML in str(read(**copy(chat_template="chatml")).template_text)
    assert read(**copy(chat_template="auto")).chat_template is None
    (folder / "a" / "chat_template.jinja").write_text(TEMPLATE + "\n")
    several = [{"name": "tool", "template": "x"}, {"name": "default", "template": "{{ other }}"}]
    for name in ("base", "b"):
        config = json.dumps({"chat_template": several})
        (folder / name / "tokenizer_config.json").write_text(config)
    for template in ("auto", TEMPLATE):
        assert read(**copy(chat_template=template)).chat_template == folder / "a"
    models = [{"model": name, "parameters": {"weight": 1}} for name in ("a", "b", "base")]
    most = read(merge_method="linear", models=models, chat_template="auto")
    assert (most.chat_template, most.template_text) == (folder / "b", None)


def test_what_has_no_effect_is_noted(read: Read) -> None:
    found = read(
        merge_method="ties",
        base_model="base",
        models=[{"model": "a", "parameters": {"weight": 1, "normalize": False}}],
        parameters={"t": 0.5},
    )
    assert found.parameters["merge"] == "mean"
    assert [note.partition(":")[0] for note in found.notes] == [
        "parameters",
        "models.0.parameters",
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (copy(merge_method="tis"), "unknown merge_method 'tis'; did you mean 'ties'?"),
        (copy(merge_metod="x"), "unknown key 'merge_metod'; did you mean 'merge_method'?"),
        (
            copy(models=[{"model": "a", "wieght": 1}]),
            "models.0: unknown key 'wieght'; known: model, parameters",
        ),
        (copy(parameters={"scael": 2}), "parameters: unknown parameter 'scael'; did you mean"),
        (
            copy(models=[{"model": "who/what"}]),
            "models.0: who/what: no such folder; if it is a repository of the Hugging Face hub",
        ),
        (copy(models=[{"model": "/no/where/x"}]), "no such folder; check the path"),
        (copy(models=[{"model": "a+b+base"}]), "more than one adapter"),
        (copy(models=[{"model": "a@main@x"}]), "more than one @"),
        (copy(models=[{"model": {"model": "a", "override_architecture": "X"}}]), "override_arch"),
        (copy(dtype="int64"), "dtype: 'int64' is not one of float32, bfloat16, float16"),
        (copy(tokenizer={"tokens": {"x": {}}}), "tokenizer.tokens: cannot be carried out here"),
        (copy(tokenizer={"pad_to_multiple_of": 8}), "tokenizer.pad_to_multiple_of: cannot"),
        (copy(tokenizer_source="base"), "there is no base_model"),
        (copy(tokenizer_source="nowhere"), "nowhere: no such folder"),
        (copy(tokenizer_source="b"), "b is none of the models that are merged; name one"),
        (copy(chat_template="alpaca"), "chat_template: 'alpaca' is neither auto nor chatml"),
        ({"merge_method": "linear"}, "give either models or slices"),
        ({"merge_method": "linear", "modules": {"text": {}}}, "modules: cannot be carried out"),
        (copy(parameters={"scale": "big"}), "parameters: input should be a valid number"),
        (copy(parameters={"scale": float("nan")}), "parameters: nan is no finite number"),
        (copy(parameters={"scale": []}), "give a value, not an empty list"),
        (copy(parameters={"scale": {"value": None}}), "give a number, a list of numbers"),
        (copy(parameters={"scale": {"valeu": 1}}), "unknown key 'valeu'; did you mean 'value'?"),
        (
            {"merge_method": "passthrough", "slices": [{"sources": [{"model": "a"}]}]},
            "slices.0.sources.0.layer_range: field required",
        ),
        (
            {
                "merge_method": "passthrough",
                "slices": [{"sources": [{"model": "a", "layer_range": [2, 2]}]}],
            },
            "layer_range: [2, 2] has no layers",
        ),
        (
            {
                "merge_method": "passthrough",
                "slices": [
                    {
                        "sources": [{"model": "a", "layer_range": [1, 3]}],
                        "parameters": {"scale": [{"filter": "layers.2.", "value": 2}]},
                    }
                ],
            },
            "slices.0.parameters.scale: the filter 'layers.2.' has a number",
        ),
    ],
)
def test_what_cannot_be_read(read: Read, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**keys)
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert "config.yml: " in said


def on_base(method: str, *models: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    listed = [
        {"model": name, "parameters": {"weight": 1, **own}}
        for name, own in zip("ab", models, strict=False)
    ]
    return {
        "merge_method": method,
        "base_model": "base",
        "models": listed,
        "parameters": parameters,
    }


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (on_base("ties", {"density": 0.5}, rescale=True), "rescale: ties cannot restore norms"),
        (on_base("ties", {}, normalize=[True, False]), "normalize: varies over the layers"),
        (on_base("sce", {}, select_topk=[0.1, 0.2]), "select_topk: varies over the layers"),
        (on_base("della", {"density": 0.5}, {}), "epsilon: della takes one for all models"),
        (
            on_base("della", {"epsilon": 0.1}, {"epsilon": 0.2}, density=0.5),
            "epsilon: della takes one for all models",
        ),
        (
            on_base("breadcrumbs", {"gamma": 0.1}, {"gamma": 0.2}, density=0.5),
            "gamma: breadcrumbs takes one for all models",
        ),
        (
            on_base("breadcrumbs", {"density": 0.5}, {"density": 0.8}, gamma=0.4),
            "gamma: 0.4 and density 0.8 exceed 1 together",
        ),
    ],
)
def test_what_no_operator_here_does(read: Read, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(**keys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a mergekit config"),
        ("- a", "not a mergekit config"),
        ("a: [", "not valid YAML"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("merge_method: linear\non: 1", "key True is no text; put it in quotes"),
        ("merge_method: !!python/object:os.system x", "not valid YAML"),
    ],
)
def test_what_is_no_config(read: Read, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_reading_needs_no_torch(tmp_path: Path) -> None:
    code = "import sys, speciate.population.mergekit; print('torch' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"


def test_files_that_are_not_there(read: Read, folder: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_mergekit(folder / "none.yml")
    (folder / "a" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="does not say how many layers"):
        read(**copy())
    (folder / "a" / "config.json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read(**copy())
