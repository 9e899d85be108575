"""Which parameters vary over the model, and which have a value for each of the models."""

import inspect
from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import AfterValidator, TypeAdapter
from pydantic.fields import FieldInfo

from speciate.configs.operators.common import ByModule, Parameters, PerModel

P = TypeVar("P", bound=Parameters)


def schedules(parameters: Parameters) -> Iterator[tuple[str, tuple[Any, ...] | None, Any]]:
    """Name, one schedule a model or None, and value, of each parameter that may vary."""
    for name, field in type(parameters).model_fields.items():
        value = getattr(parameters, name)
        if value is None or not may_vary(field.annotation):
            continue
        if isinstance(value, PerModel):
            yield name, value.models, value
        elif isinstance(value, tuple) and one_a_model(field.annotation):
            yield name, value, value
        else:
            yield name, None, value


def may_vary(annotation: Any) -> bool:  # noqa: ANN401
    """Whether a parameter of this type is a schedule, or several."""
    return mentions(annotation, ByModule)


def mentions(annotation: Any, kind: type) -> bool:  # noqa: ANN401
    """Whether a type is among the parts of another."""
    return annotation is kind or any(mentions(one, kind) for one in get_args(annotation))


def one_a_model(annotation: Any) -> bool:  # noqa: ANN401
    """Whether a tuple is one schedule a model rather than one over depth."""
    members = [one for one in get_args(annotation) if one is not NoneType]
    if get_origin(annotation) is tuple:
        return True
    return len(members) == 1 and get_origin(members[0]) is tuple


def schema_of_numbers(field: FieldInfo) -> dict[str, Any]:
    """JSON schema of each number of a schedule, which only the check of the schedule knows."""
    for check in _checks([field.annotation, *field.metadata]):
        adapter = inspect.getclosurevars(check.func).nonlocals.get("adapter")
        if isinstance(adapter, TypeAdapter):
            return adapter.json_schema()
    return {}


def _checks(parts: Sequence[Any]) -> Iterator[AfterValidator]:
    for part in parts:
        if isinstance(part, AfterValidator):
            yield part
        else:
            inner = getattr(part, "__metadata__", ())
            yield from _checks([*getattr(part, "__args__", ()), *inner])


def reordered(parameters: P, order: Sequence[int]) -> P:
    """The same for models in another order.

    Args:
        parameters: For models 0, 1, ...
        order: Which of them is first, second, ...
    """
    moved: dict[str, Any] = {}
    # Adapters' weights are plain numbers, which do not vary over the model.
    plain = getattr(parameters, "weights", None)
    given = [("weights", plain, plain), *schedules(parameters)]
    for name, models, value in given:
        if models is not None:
            turned = tuple(models[index] for index in order)
            moved[name] = PerModel(models=turned) if isinstance(value, PerModel) else turned
    return parameters.model_copy(update=moved)


def own_order(keys: Sequence[str], parameters: Parameters) -> list[int]:
    """Numbers of models by what they contain, and, of equal ones, by what is said of each.

    Args:
        keys: One for each model, equal where their contents are.
        parameters: With values for single models, or not.
    """
    settings = [repr(reordered(parameters, [index])) for index in range(len(keys))]
    return sorted(range(len(keys)), key=lambda index: (keys[index], settings[index]))
