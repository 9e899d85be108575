"""Recipes as mergekit configs: what is read from them is the recipe again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.errors import ConfigError
from speciate.population.mergekit import Translation, read_mergekit, write_mergekit
from speciate.population.mergekit.methods import METHODS, Parameter
from speciate.population.operators.registry import validate
from speciate.records import Parent, Recipe

MODELS = ("a", "b", "c", "d")
LAYERS = 4
_VALUES = {
    "density": st.floats(0.3, 0.7),
    "gamma": st.floats(0, 0.2),
    "epsilon": st.floats(0.01, 0.2),
    "select_topk": st.floats(0.1, 1),
    "eps": st.just(1e-8),
    "max_iter": st.integers(0, 50),
}
_CONSTANT = ("max_iter", "tol", "select_topk")
_ONE_FOR_ALL = ("gamma", "epsilon")


def of_kind(name: str, parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.kind is bool:
        return st.booleans()
    return _VALUES.get(name, st.floats(0.1, 2))


@st.composite
def setting(draw: st.DrawFn, name: str, parameter: Parameter) -> Any:
    """A scalar, a gradient, or rules with filters."""
    scalar = of_kind(name, parameter)
    if parameter.kind is bool or name in _CONSTANT:
        return draw(scalar)
    value = st.one_of(scalar, st.lists(scalar, min_size=1, max_size=4))
    filters = st.sampled_from(["self_attn", "mlp", "o_proj", "*"])
    rule = st.fixed_dictionaries({"value": value}, optional={"filter": filters})
    return draw(st.one_of(value, st.lists(rule, min_size=1, max_size=3)))


@st.composite
def levels(draw: st.DrawFn, method: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Parameters of some scopes; those that must be given always are."""
    chosen = {}
    for name, parameter in METHODS[method].parameters.items():
        norms = name == "rescale" and not method.startswith(("dare", "della"))
        if parameter.scope not in scopes or norms:
            continue
        if parameter.default is None or draw(st.booleans()):
            chosen[name] = draw(setting(name, parameter))
    return chosen


@st.composite
def inputs(draw: st.DrawFn, method: str, length: int | None) -> tuple[list[Any], str | None]:
    """Sources or models with their own parameters, and the base."""
    contract = METHODS[method]
    least, most = contract.others
    count = draw(st.integers(least, most or 3))
    names = list(draw(st.permutations(MODELS)))
    base = names.pop() if contract.base == "required" else None
    found = []
    for name in [*names[:count], *([base] if base else [])]:
        one: dict[str, Any] = {"model": name}
        if length is not None:
            start = draw(st.integers(0, LAYERS - length))
            one["layer_range"] = [start, start + length]
        if name != base:
            own = draw(levels(method, ("each", "not base")))
            one["parameters"] = {k: v for k, v in own.items() if k not in _ONE_FOR_ALL}
        found.append(one)
    return found, base


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Valid mergekit configs of every method."""
    method = draw(st.sampled_from(sorted(METHODS)))
    config: dict[str, Any] = {"merge_method": method}
    common = draw(levels(method, ("shared",)))
    for name, parameter in METHODS[method].parameters.items():
        # Where no filter matches, and for what must suit all models.
        if parameter.default is None or (parameter.scope == "not base" and name in _VALUES):
            common[name] = draw(of_kind(name, parameter))
    config["parameters"] = common
    if draw(st.booleans()):
        config["models"], base = draw(inputs(method, None))
        if base:
            config["base_model"] = base
    else:
        config["slices"] = []
        for _ in range(draw(st.integers(1, 3))):
            sources, base = draw(inputs(method, draw(st.integers(1, LAYERS))))
            one = {"sources": sources, "parameters": draw(levels(method, ("shared",)))}
            config["slices"].append(one | ({"base_model": base} if base else {}))
    if config.get("models") and draw(st.booleans()):
        chosen = [one["model"] for one in config["models"]]
        if METHODS[method].base == "ignored":
            config["base_model"] = draw(st.sampled_from(chosen))
        config["tokenizer_source"] = draw(st.sampled_from(["union", *chosen]))
    if dtype := draw(st.sampled_from([None, "float32", "bfloat16"])):
        config["dtype"] = dtype
    return config


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in MODELS:
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps({"num_hidden_layers": LAYERS}))
    return folder


def recipe_of(translation: Translation) -> dict[str, Any]:
    """Without the notes: what mergekit would have rounded is gone once it is written by us."""
    return {key: value for key, value in translation.content().items() if key != "notes"}


def read_text(place: Path, text: str) -> Translation:
    (place / "config.yml").write_text(text, encoding="utf-8")
    return read_mergekit(place / "config.yml")


@settings(max_examples=100, deadline=None)
@given(config=configs())
def test_round_trip(place: Path, config: dict[str, Any]) -> None:
    first = read_text(place, yaml.safe_dump(config))
    content = json.loads(json.dumps(first.content()))
    assert content == first.content()
    parents = tuple(Parent(str(one.path), one.role) for one in first.parents)
    validate(Recipe(first.operator, parents, first.parameters, 0))
    again = read_text(place, write_mergekit(content))
    assert recipe_of(again) == recipe_of(first)


def test_the_longest_form(place: Path) -> None:
    (place / "b" / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    text = write_mergekit(
        {
            "operator": "ties",
            "parents": [
                {"path": "a", "role": "base"},
                {"path": "b", "adapter": "c"},
                {"path": "d", "role": "model"},
            ],
            "parameters": {
                "weights": [[0.25, 0.5, 0.25], 1],
                "density": {"models": [0.5, [{"name": "mlp", "value": 0.25}, {"value": 0.75}]]},
                "scope": "tensor",
                "majority": "positive",
                "scale": 0.5,
            },
            "dtype": "bfloat16",
            "tokenizer": "d",
            "chat_template": "b",
            "seed": 3,
        },
        place,
    )
    assert text == (
        """merge_method: ties
base_model: a
models:
- model: b+c
  parameters:
    weight: [0.25, 0.5, 0.25]
    density: 0.5
- model: d
  parameters:
    weight: 1.0
    density:
    - filter: mlp
      value: 0.25
    - value: 0.75
parameters:
  lambda: 0.5
  normalize: true
dtype: float32
out_dtype: bfloat16
tokenizer_source: d
chat_template: '{{ messages[0][''content''] }}'
"""
    )


def recipe(operator: str, base: bool = False, count: int = 2, **parameters: Any) -> dict[str, Any]:
    parents = [{"path": name} for name in MODELS[:count]]
    if base:
        parents.append({"path": "d", "role": "base"})
    return {"operator": operator, "parents": parents, "parameters": parameters}


def test_moving_averages_are_weighted_averages(place: Path) -> None:
    for operator, expected in (("sma", [1.0, 1.0, 1.0]), ("wma", [1.0, 2.0, 3.0])):
        read = read_text(place, write_mergekit(recipe(operator, count=3), place))
        assert (read.operator, read.parameters["weights"]) == ("linear", expected)


BLOCKS = [{"parent": 0, "layers": [0, 1]}]
TIES = {"scope": "tensor", "majority": "positive"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (recipe("ties", True), 'mergekit knows only scope = "tensor"; set it'),
        (recipe("ties", True, scope="tensor", majority="vote"), 'majority = "positive"'),
        (recipe("ties", True, majority="positive"), 'scope = "tensor"'),
        (recipe("ties", True, **TIES, merge="max"), 'merge = "mean" or "sum"'),
        (recipe("dare_linear", True), 'rescale = "l1" or "none"'),
        (recipe("breadcrumbs", True), 'scope = "tensor"'),
        (recipe("ram_plus", True), 'scope = "tensor"'),
        (recipe("sce", True, majority="positive", merge="all"), 'merge = "selected"'),
        (recipe("sce", True, majority="positive", scale=2), "scale = 1"),
        (recipe("karcher", weights=[1, 2]), "equal weights"),
        (recipe("karcher", True), "takes no base"),
        (recipe("magmax", True), "mergekit has nothing like the operator magmax"),
        (recipe("layer_drop"), "mergekit has nothing like the operator layer_drop"),
        ({**recipe("sma"), "chat_template": "d"}, "chat_template: d has none"),
        (recipe("tis"), "unknown operator 'tis'; did you mean 'ties'?"),
        (recipe("linear", weight=1), "linear: unknown key 'weight'; did you mean 'weights'?"),
        (recipe("linear", weights=[1]), "weight: 1 given for 2 models"),
        (recipe("slerp", t=[0, 1]), "t: mergekit gives the last norm and the head the first"),
        (recipe("slerp", t={"mlp": 0.5}), "mergekit has no values by kind of module"),
        (
            recipe("slerp", t=[{"module": "mlp", "value": 1}, {"value": 0}]),
            "no rules by kind of module",
        ),
        (recipe("slerp", t=[{"name": "mlp", "value": 1}]), "the last rule is not for all tensors"),
        (
            recipe("slerp", t=[{"layers": [0, 1], "value": 1}, {"value": 0}]),
            "no rules for some layers only",
        ),
        (recipe("slerp", t=[{"layers": [0, 3], "value": 1}, {"value": 0}]), "make them the same"),
        (recipe("slerp", t=[{"layers": [0, 3], "value": 1}]), "cannot tell the blocks"),
        (
            recipe(
                "stack",
                pieces=[
                    {"parents": BLOCKS},
                    {
                        "operator": "linear",
                        "parents": [{"parent": n, "layers": [2, 3]} for n in (0, 1)],
                    },
                ],
            ),
            "mergekit has one method for all slices, not linear, passthrough",
        ),
        (
            recipe(
                "stack", pieces=[{"operator": "x", "parents": [{"parent": 0, "layers": [0, 1]}]}]
            ),
            "pieces.0: unknown operator 'x'",
        ),
        (
            {"operator": "linear", "parents": [{"path": "a", "adapter": "b", "adapter_weight": 2}]},
            "adapters on models in full",
        ),
        ({"operator": "linear", "parents": [{"path": "a+b"}]}, "takes no [+] or @ in paths"),
        (
            {"operator": "linear", "parents": [{"path": "a", "role": "statistics"}]},
            "no parents of the role 'statistics'",
        ),
    ],
)
def test_what_mergekit_cannot(place: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        write_mergekit(content, place)
    assert "\n" not in str(caught.value)


def test_configs_of_recipes_agree_with_mergekit(exact: str, configs: Callable[[str], Path]) -> None:
    """What was read from a config that both carry out alike is written as that config's like."""
    read = read_mergekit(configs(exact))
    path = configs(exact).with_name("written.yml")
    path.write_text(write_mergekit(read.content()), encoding="utf-8")
    assert recipe_of(read_mergekit(path)) == recipe_of(read)
