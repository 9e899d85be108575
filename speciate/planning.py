"""What a recipe file comes to: a plan for models, or for adapters, checked before it is begun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from speciate.configs.load import validated
from speciate.configs.operators.common import Parameters
from speciate.configs.section import nearest
from speciate.effective import check_everywhere
from speciate.errors import ConfigError, ModelError
from speciate.population import adapters as of_adapters
from speciate.population.adapters import AdaptedSource, Adapter, AdapterOperator, check_fit
from speciate.population.adapters.config import is_adapter
from speciate.population.genome import WholeModel
from speciate.population.operators import registry
from speciate.population.plan import Plan, make_plan
from speciate.population.recipe_file import ParentPath, RecipeFile
from speciate.population.weights import Checkpoint
from speciate.records import Recipe

ADAPTER_OPERATORS: Mapping[str, AdapterOperator[Any, Any]] = {
    operator.name: operator for operator in of_adapters.OPERATORS
}


TEMPLATE = "chat_template.jinja"


@dataclass(frozen=True)
class AdapterPlan:
    """A recipe for an adapter, with all that it needs.

    Attributes:
        operator: The operator.
        parameters: Its parameters.
        adapters: Parents by role.
    """

    operator: AdapterOperator[Any, Any]
    parameters: Parameters
    adapters: Mapping[str, Sequence[Adapter]]

    @property
    def parents(self) -> list[Adapter]:
        """All adapters."""
        return [one for role in self.adapters.values() for one in role]


def planned(source: Path, file: RecipeFile) -> Plan | AdapterPlan:
    """Checks a recipe against its parents, before any weights of models are read.

    Args:
        source: The recipe's file, for messages.
        file: What it says.

    Raises:
        ConfigError: The recipe is not one that its operator can carry out.
        ModelError: A parent is missing or damaged, or they do not fit one another.
    """
    try:
        return _for_adapters(file) if file.of_adapters else _for_models(file)
    except ConfigError as exc:
        raise ConfigError(f"{source}: {exc}") from exc


def check_recipe(recipe: Recipe) -> None:
    """Whether an operator can carry a recipe out, as far as can be told without the parents.

    Raises:
        ConfigError: There is no such operator, or roles or parameters do not suit it.
    """
    if recipe.operator in ADAPTER_OPERATORS:
        _of_adapters(recipe)
    else:
        registry.validate(recipe)


def _of_adapters(recipe: Recipe) -> tuple[AdapterOperator[Any, Any], Parameters]:
    """An operator on adapters, and parameters that suit it."""
    operator = ADAPTER_OPERATORS[recipe.operator]
    parameters = validated(operator.parameters, dict(recipe.parameters), recipe.operator)
    try:
        registry.check_roles([parent.role for parent in recipe.parents], operator.roles)
        operator.check(parameters, len(recipe.parents))
    except ConfigError as exc:
        raise ConfigError(f"{recipe.operator}: {exc}") from exc
    return operator, parameters


def _for_models(file: RecipeFile) -> Plan:
    if file.operator not in registry.OPERATORS:
        hint = nearest(file.operator, [*registry.OPERATORS, *ADAPTER_OPERATORS])
        raise ConfigError(f"unknown operator '{file.operator}'; {hint}")
    for parent in file.parents:
        _refuse_lone_adapter(Path(parent.path))
    models = {parent.id: _model(parent) for parent in file.parents}
    plan = make_plan(file.recipe, models, file.dtype, file.tokenizer, file.chat_template)
    if file.chat_template_text is not None:
        files = {**plan.frame.files, TEMPLATE: file.chat_template_text.encode()}
        plan = replace(plan, frame=replace(plan.frame, files=files))
    check_everywhere(plan)
    return plan


def _refuse_lone_adapter(folder: Path) -> None:
    if is_adapter(folder):
        raise ModelError(
            f"{folder}: an adapter and no model; give its base as path and it as adapter, or use "
            f"one of {', '.join(ADAPTER_OPERATORS)}"
        )


def _model(parent: ParentPath) -> Path | WholeModel:
    """A parent's folder, or its model with the adapter put on as it is read."""
    if parent.adapter is None:
        return Path(parent.path)
    base, adapter = Checkpoint(Path(parent.path)), Adapter(Path(parent.adapter))
    return AdaptedSource(base, adapter, parent.adapter_weight)


def _for_adapters(file: RecipeFile) -> AdapterPlan:
    if any(parent.adapter for parent in file.parents):
        raise ConfigError(f"{file.operator}: merges adapters; give each as a path, not on a base")
    if file.tokenizer or file.chat_template:
        raise ConfigError(f"{file.operator}: takes no tokenizer or chat_template")
    operator, parameters = _of_adapters(file.recipe)
    adapters: dict[str, list[Adapter]] = {}
    for parent in file.parents:
        adapters.setdefault(file.role(parent), []).append(Adapter(Path(parent.path)))
    plan = AdapterPlan(operator, parameters, adapters)
    check_fit(plan.parents, operator.equal_ranks)
    return plan
