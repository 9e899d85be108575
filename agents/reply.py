"""What agents reply: pydantic models whose JSON schema even a model that knows nothing can follow.

Recipes and reasons have an end: numbers and lists have bounds, and text has a pattern that counts,
which servers enforce. Servers that enforce nothing may be more verbose: reasons are then cut. Only
source has no end but the endpoint's `max_tokens`: text that counts can hold no line breaks.

Found out about xgrammar 0.2.8, which vLLM 0.32 uses: numbers with both bounds have six decimals at
most; `maxLength` lets control characters through, which are no JSON; a pattern lets no escapes
through, and more than 128 repetitions in one crash it (mlc-ai/xgrammar#863); white space has no
end unless the server is told so, by `disable_any_whitespace`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, create_model

from speciate.agents.plain import one_line
from speciate.agents.wording import SHORT, SOURCE
from speciate.configs.section import Section

# Decimals that are kept of a number: decoders write no more.
_DIGITS = 6
_BOUNDS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}


def _cut(value: Any) -> Any:  # noqa: ANN401
    return one_line(value, SHORT) if isinstance(value, str) else value


def _rounded(value: float) -> float:
    # Zero has no sign, so that equal recipes are written alike; integers stay what they are.
    return value if isinstance(value, int) else round(value, _DIGITS) + 0.0


def _bounded(text: str) -> str:
    if not 0 < len(text) <= SOURCE:
        raise ValueError(f"has {len(text)} characters; write 1 to {SOURCE}")
    return text


# Up to `SHORT` characters.
_SHORT_PATTERN = f"^([ -~]{{1,100}}){{1,{SHORT // 100}}}$"
Line = Annotated[str, BeforeValidator(_cut), Field(json_schema_extra={"pattern": _SHORT_PATTERN})]
Lines = Annotated[str, AfterValidator(_bounded)]
# Fitness is in [0, 1].
Share = Annotated[float, Field(ge=0, le=1), AfterValidator(_rounded)]


class Reply(Section):
    """Base of all replies."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Without what strict servers refuse."""
        simple: dict[str, Any] = _simple(super().model_json_schema(*args, **kwargs))
        return simple


class Reasoned(Reply):
    """A reply that begins with its reason, so that the rest may follow from it."""

    reason: Line


def _simple(schema: Any) -> Any:  # noqa: ANN401
    """`anyOf` for `oneOf`."""
    if isinstance(schema, list):
        return [_simple(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _simple(one) for key, one in schema.items()}
    if "oneOf" in made:
        made.pop("discriminator", None)
        made["anyOf"] = made.pop("oneOf")
    return made


def _form(value: Any) -> str:  # noqa: ANN401
    """Which form a value has, so that messages are about that form alone."""
    if isinstance(value, Mapping | Section):
        return "a table"
    return "a list" if isinstance(value, list) else "a number"


def _form_of(schema: Mapping[str, Any]) -> str:
    return {"object": "a table", "array": "a list"}.get(schema.get("type", ""), "a number")


def choice(values: Sequence[object]) -> Any:  # noqa: ANN401
    """The type of one of some values."""
    return Literal[tuple(values)]


def record(name: str, fields: Mapping[str, Any]) -> type[Section]:
    """The type of an object with all of these keys."""
    needed: dict[str, Any] = {key: (one, ...) for key, one in fields.items()}
    made: type[Section] = create_model(name, __base__=Section, **needed)
    return made


def typed(schema: Mapping[str, Any], name: str = "Value") -> Any:  # noqa: ANN401
    """The type of what follows a schema such as `speciate.agents.knobs` makes.

    Raises:
        ValueError: It holds something else.
    """
    described = Field(description=schema["description"]) if "description" in schema else None
    kind = _typed(schema, name)
    return Annotated[kind, described] if described else kind


def _typed(schema: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    if "anyOf" in schema:
        forms = tuple(Annotated[typed(one, name), Tag(_form_of(one))] for one in schema["anyOf"])
        return Annotated[Union[forms], Discriminator(_form)]  # noqa: UP007
    if "enum" in schema:
        return choice(schema["enum"])
    kind = schema.get("type")
    if kind == "boolean":
        return bool
    if kind in ("integer", "number"):
        bounds = {ours: schema[key] for key, ours in _BOUNDS.items() if key in schema}
        number = int if kind == "integer" else float
        return Annotated[number, Field(**bounds, strict=True), AfterValidator(_rounded)]
    if kind == "array":
        bounds = Field(min_length=schema["minItems"], max_length=schema["maxItems"])
        return Annotated[list[typed(schema["items"], name)], bounds]  # type: ignore[misc]
    if kind == "object":
        return record(name, {key: typed(one, name) for key, one in schema["properties"].items()})
    raise ValueError(f"{name}: a schema of type {kind} has no end; leave the parameter out")
