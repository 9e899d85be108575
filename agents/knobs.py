"""Parameters of operators as agents may set them: JSON schema that ends under guided decoding.

A decoder such as xgrammar lets a number without both bounds go on for ever, and so does one that
counts no letters. So all numbers get bounds, narrower than the operator's where those are infinite,
and tables become a few numbers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from speciate.configs.operators.common import Parameters
from speciate.configs.operators.per_model import may_vary, one_a_model, schema_of_numbers

Schema = dict[str, Any]

_KINDS = ("attention", "mlp", "other")
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
_LOW = ("minimum", "exclusiveMinimum")
_HIGH = ("maximum", "exclusiveMaximum")
_SIGNS = {"minimum": ">= ", "exclusiveMinimum": "> ", "maximum": "<= ", "exclusiveMaximum": "< "}
# Decoders write six decimals at most, so smaller numbers are chosen from a few.
_TINY = 0.01


def knobs(parameters: type[Parameters]) -> dict[str, Schema]:
    """JSON schema of each parameter that agents may set; what is missing keeps its default.

    Weights of the models are missing, too: they stand beside the models.
    """
    return dict(_knobs(parameters))


def _knobs(parameters: type[Parameters]) -> Iterator[tuple[str, Schema]]:
    schemas = parameters.model_json_schema()["properties"]
    for name, field in parameters.model_fields.items():
        if may_vary(field.annotation):
            made = None if one_a_model(field.annotation) else _schedule(field)
        else:
            made = _plain(schemas[name], field.get_default())
        if made:
            yield name, made | {"description": field.description or name}


def settable(parameters: type[Parameters]) -> bool:
    """Whether agents may set all that must be set."""
    known = knobs(parameters)
    return all(name in known for name, one in parameters.model_fields.items() if one.is_required())


def _schedule(field: FieldInfo) -> Schema:
    """One number, numbers over depth, or one a kind of module."""
    number = _number(schema_of_numbers(field), field.get_default())
    return {
        "anyOf": [
            number,
            {"type": "array", "items": number, "minItems": 2, "maxItems": 4},
            {"type": "object", "properties": dict.fromkeys(_KINDS, number)},
        ]
    }


def _plain(schema: Mapping[str, Any], default: Any) -> Schema | None:  # noqa: ANN401
    """A choice or a number; None for all else."""
    if "anyOf" in schema:
        known = [_plain(one, default) for one in schema["anyOf"] if one.get("type") != "null"]
        return known[0] if len(known) == 1 else None
    if "enum" in schema:
        return {"enum": list(schema["enum"])}
    if schema.get("type") == "boolean":
        return {"type": "boolean"}
    if schema.get("type") in ("integer", "number"):
        return _number(schema, default)
    return None


def _number(schema: Mapping[str, Any], default: Any) -> Schema:  # noqa: ANN401
    """With both bounds."""
    bounds = {key: schema[key] for key in (*_LOW, *_HIGH) if key in schema}
    if schema.get("type") == "integer":
        # Steps cost time, and numbers of models end soon.
        high = max(1, default or 0)
        return {"type": "integer"} | {"minimum": -high, "maximum": high} | bounds
    usual = float(default) if isinstance(default, int | float) else 1.0
    if not any(key in bounds for key in _HIGH):
        if 0 < usual < _TINY:
            return {"enum": [float(f"{usual * step:.3g}") for step in _STEPS]}
        bounds["maximum"] = max(2.0, 4 * usual)
    if not any(key in bounds for key in _LOW):
        bounds["minimum"] = -2.0
    return {"type": "number"} | bounds


def in_words(schema: Mapping[str, Any]) -> str:
    """What a parameter may be, for a prompt."""
    words = _words(schema)
    return f"{words}. {schema['description']}" if "description" in schema else words


def _words(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        number = _words(schema["anyOf"][0])
        kinds = ", ".join(_KINDS)
        return f"{number}; or a list from the first block to the last; or one for each of {kinds}"
    if "enum" in schema:
        return "one of " + ", ".join(f"{one}" for one in schema["enum"])
    if schema["type"] == "boolean":
        return "true or false"
    low = next(f"{_SIGNS[key]}{schema[key]:g}" for key in _LOW if key in schema)
    high = next(f"{_SIGNS[key]}{schema[key]:g}" for key in _HIGH if key in schema)
    return f"{'whole' * (schema['type'] == 'integer')} number {low} and {high}".strip()
