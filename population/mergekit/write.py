"""Recipes as mergekit configs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from speciate.configs.load import validated
from speciate.configs.operators.structure import Piece, Stack
from speciate.errors import ConfigError
from speciate.population.mergekit.backward import Settings, settings
from speciate.population.mergekit.folders import layers_of, template_of
from speciate.population.mergekit.gradients import Extent
from speciate.population.mergekit.methods import METHODS
from speciate.population.mergekit.text import yaml_text


class _Input(NamedTuple):
    """A parent in its part, as YAML refers to it."""

    reference: str
    is_base: bool
    layers: tuple[int, int] | None = None


def write_mergekit(content: Mapping[str, Any], folder: Path = Path()) -> str:
    """A recipe as the text of a mergekit config.

    Args:
        content: What a recipe file says.
        folder: What its paths are relative to; in the config they stay as they are.

    Raises:
        ConfigError: The recipe says something that mergekit cannot.
        ModelError: The config.json of a parent is needed and cannot be read.
    """
    parents = [_reference(one) for one in content["parents"]]
    roles = [one.get("role") or "model" for one in content["parents"]]
    parameters = content.get("parameters") or {}
    if content["operator"] == "stack":
        data = _slices(validated(Stack, parameters, "stack"), parents)
    else:
        layers = layers_of(folder / content["parents"][0]["path"])
        pairs = list(zip(parents, roles, strict=True))
        data = _models(content["operator"], parameters, pairs, layers)
    return yaml_text(data | _rest(content, parents, folder))


def _reference(parent: Mapping[str, Any]) -> str:
    """`path` or `path+adapter`."""
    if parent.get("adapter_weight", 1) != 1:
        raise ConfigError("mergekit puts adapters on models in full; leave adapter_weight out")
    parts = [parent["path"], *([parent["adapter"]] if parent.get("adapter") else [])]
    for part in parts:
        if "+" in part or "@" in part:
            raise ConfigError(f"{part}: mergekit takes no + or @ in paths; rename the folder")
    return "+".join(parts)


def _rest(content: Mapping[str, Any], parents: Sequence[str], folder: Path) -> dict[str, Any]:
    """Mergekit computes in `dtype`; here everything is computed in float32."""
    rest: dict[str, Any] = {}
    if dtype := content.get("dtype"):
        rest["dtype"] = "float32"
        if dtype != "float32":
            rest["out_dtype"] = dtype
    if tokenizer := content.get("tokenizer"):
        roles = [one.get("role") for one in content["parents"]]
        first = content["parents"][roles.index("base") if "base" in roles else 0]
        rest["tokenizer_source"] = first["path"] if tokenizer == "base" else tokenizer
    if giver := content.get("chat_template"):
        if not (text := template_of(folder / giver)):
            raise ConfigError(f"chat_template: {giver} has none; name another parent")
        rest["chat_template"] = text
    if given := content.get("chat_template_text"):
        rest["chat_template"] = given
    return rest


def _models(
    operator: str,
    parameters: Mapping[str, Any],
    parents: Sequence[tuple[str, str]],
    layers: int,
) -> dict[str, Any]:
    inputs = [_Input(reference, role == "base") for reference, role in parents]
    made = _made(operator, parameters, [role for _, role in parents], Extent(layers))
    data: dict[str, Any] = {"merge_method": made.method}
    if base := _base(made, inputs):
        data["base_model"] = base
    elif METHODS[made.method].base == "ignored":
        # It gives the tokenizer, and is one of the models anyway.
        data["base_model"] = inputs[0].reference
    data["models"] = _sources(made, inputs, with_base=made.method == "slerp")
    return data | _parameters(made)


def _slices(stack: Stack, parents: Sequence[str]) -> dict[str, Any]:
    made = [_piece(stack.pieces, number) for number in range(len(stack.pieces))]
    methods = {one.method for one in made}
    if len(methods) > 1:
        raise ConfigError(
            f"mergekit has one method for all slices, not {', '.join(sorted(methods))}; "
            "use one operator for all pieces"
        )
    inputs = [
        [_Input(parents[one.parent], one.role == "base", one.layers) for one in piece.parents]
        for piece in stack.pieces
    ]
    bases = [_base(*pair) for pair in zip(made, inputs, strict=True)]
    data: dict[str, Any] = {"merge_method": methods.pop()}
    # That of the whole gives the tokenizer, where it is not taken for that of a slice.
    shared = None
    if METHODS[data["merge_method"]].base == "ignored" or all(bases):
        shared = data["base_model"] = parents[0]
    data["slices"] = [
        {
            **({"base_model": base} if base and base != shared else {}),
            "sources": _sources(own, its, with_base=True),
            **_parameters(own),
        }
        for own, its, base in zip(made, inputs, bases, strict=True)
    ]
    return data


def _piece(pieces: Sequence[Piece], number: int) -> Settings:
    piece = pieces[number]
    first, last = piece.parents[0].layers
    extent = Extent(last - first + 1, number == 0, number == len(pieces) - 1)
    try:
        return _made(piece.operator, piece.parameters, [one.role for one in piece.parents], extent)
    except ConfigError as exc:
        raise ConfigError(f"pieces.{number}: {exc}") from exc


def _made(
    operator: str, parameters: Mapping[str, Any], roles: Sequence[str], extent: Extent
) -> Settings:
    for role in roles:
        if role not in ("base", "model"):
            raise ConfigError(f"mergekit has no parents of the role '{role}'")
    return settings(operator, parameters, roles.count("model"), "base" in roles, extent)


def _base(made: Settings, inputs: Sequence[_Input]) -> str | None:
    """What mergekit calls the base; of slerp that is the first of the two models."""
    if made.method == "slerp":
        return inputs[0].reference
    return next((one.reference for one in inputs if one.is_base), None)


def _sources(made: Settings, inputs: Sequence[_Input], with_base: bool) -> list[dict[str, Any]]:
    own = iter(made.own)
    sources = []
    for one in inputs:
        parameters = {} if one.is_base else next(own)
        if one.is_base and not with_base:
            continue
        source: dict[str, Any] = {"model": one.reference}
        if one.layers is not None:
            source["layer_range"] = [one.layers[0], one.layers[1] + 1]
        sources.append(source | ({"parameters": parameters} if parameters else {}))
    return sources


def _parameters(made: Settings) -> dict[str, Any]:
    return {"parameters": made.common} if made.common else {}
