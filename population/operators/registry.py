"""All operators by name, and the check of a recipe against the one it names."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from speciate.configs.load import explain
from speciate.configs.operators.common import Parameters
from speciate.configs.section import nearest
from speciate.errors import ConfigError
from speciate.population.operators import (
    alignment,
    averaging,
    evolved,
    mutation,
    spectral,
    statistics,
    structure,
    task_vectors,
)
from speciate.population.operators.operator import Arity, Operator, Structural
from speciate.records import Recipe

FAMILIES = (averaging, task_vectors, spectral, statistics, alignment, structure, mutation, evolved)
OPERATORS: dict[str, Operator[Any, Any] | Structural[Any]] = {
    operator.name: operator for family in FAMILIES for operator in family.OPERATORS
}


def validate(recipe: Recipe) -> Parameters:
    """The parameters of a recipe that can be carried out, as its operator's model.

    Raises:
        ConfigError: No such operator; a role is missing, unknown or played by too many; a
            parameter is unknown or out of bounds; weights do not fit the models.
    """
    operator = OPERATORS.get(recipe.operator)
    if operator is None:
        hint = nearest(recipe.operator, list(OPERATORS))
        raise ConfigError(f"unknown operator '{recipe.operator}'; {hint}")
    try:
        check_roles([parent.role for parent in recipe.parents], operator.roles)
        parameters = _parameters(recipe, operator)
        operator.check(parameters, len(recipe.with_role("model")))
    except ConfigError as exc:
        raise ConfigError(f"{recipe.operator}: {exc}") from exc
    return parameters


def check_roles(given: Iterable[str], roles: Mapping[str, Arity]) -> None:
    """Whether parents play the parts that an operator has, and as many as may.

    Raises:
        ConfigError: A role is unknown, missing, or played by too many.
    """
    counts = Counter(given)
    for role in counts:
        if role not in roles:
            raise ConfigError(f"no parent may be '{role}'; {nearest(role, list(roles))}")
    for role, arity in roles.items():
        if counts[role] < arity.least or counts[role] > (arity.most or counts[role]):
            raise ConfigError(f"takes {arity.words} '{role}' as parent, not {counts[role]}")


def _parameters(recipe: Recipe, operator: Operator[Any, Any] | Structural[Any]) -> Parameters:
    known = list(operator.parameters.model_fields)
    for name in recipe.parameters:
        if name not in known:
            raise ConfigError(f"unknown parameter '{name}'; {nearest(name, known)}")
    try:
        parameters: Parameters = operator.parameters.model_validate(dict(recipe.parameters))
    except ValidationError as exc:
        raise ConfigError(explain(exc)) from exc
    return parameters
