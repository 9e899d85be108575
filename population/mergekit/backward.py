"""From an operator here and its parameters to a merge method and its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from speciate.configs.load import validated
from speciate.configs.operators import OPERATOR_PARAMETERS, structure
from speciate.configs.operators import averaging as avg
from speciate.configs.operators import task_vectors as task
from speciate.configs.operators.common import PerModel
from speciate.configs.section import nearest
from speciate.errors import ConfigError
from speciate.population.mergekit.gradients import Case, Extent, cases
from speciate.population.mergekit.methods import METHODS


@dataclass
class Settings:
    """Parameters of a method, in the form that YAML files have.

    Attributes:
        method: Its name.
        extent: Part of the child that they are for.
        common: Of the slice.
        own: Of each model.
    """

    method: str
    extent: Extent
    common: dict[str, Any] = field(default_factory=dict)
    own: list[dict[str, Any]] = field(default_factory=list)

    def one(self, name: str, schedule: Any) -> None:  # noqa: ANN401
        """Sets a parameter that is given once."""
        self.common[name] = self._form(name, schedule)

    def flag(self, name: str, value: bool | float) -> None:
        """Sets a switch or number that is the same for all tensors."""
        self.common[name] = value

    def each(self, name: str, schedules: Sequence[Any]) -> None:
        """Sets a parameter of each model."""
        if len(schedules) != len(self.own):
            raise ConfigError(f"{name}: {len(schedules)} given for {len(self.own)} models")
        for own, schedule in zip(self.own, schedules, strict=True):
            own[name] = self._form(name, schedule)

    def alike(self, name: str, schedule: Any) -> None:  # noqa: ANN401
        """Sets a parameter of each model, from one for all or one for each."""
        same = [schedule] * len(self.own)
        self.each(name, schedule.models if isinstance(schedule, PerModel) else same)

    def _form(self, name: str, schedule: Any) -> Any:  # noqa: ANN401
        try:
            found = cases(schedule, self.extent)
        except ConfigError as exc:
            raise ConfigError(f"{name}: {exc}") from exc
        if len(found) == 1:
            return _value(found[0])
        named: list[dict[str, Any]] = []
        for case in found:
            part = {} if case.part is None else {"filter": case.part}
            named.append({**part, "value": _value(case)})
        return named


def _value(case: Case) -> float | list[float]:
    return case.values[0] if len(case.values) == 1 else list(case.values)


def settings(
    operator: str, parameters: Mapping[str, Any], count: int, has_base: bool, extent: Extent
) -> Settings:
    """The method that does the same as an operator, and its parameters.

    Args:
        operator: Its name.
        parameters: As the recipe has them.
        count: Number of models.
        has_base: Whether there is a base besides.
        extent: Part of the child that they are for.

    Raises:
        ConfigError: Mergekit cannot do the same, or the parameters are wrong.
    """
    if operator not in OPERATOR_PARAMETERS:
        hint = nearest(operator, list(OPERATOR_PARAMETERS))
        raise ConfigError(f"unknown operator '{operator}'; {hint}")
    if operator not in _WRITERS:
        raise ConfigError(f"mergekit has nothing like the operator {operator}")
    checked = validated(OPERATOR_PARAMETERS[operator], parameters, operator)
    method, write = _WRITERS[operator]
    made = Settings(method, extent, own=[{} for _ in range(count)])
    if has_base and METHODS[method].base == "ignored":
        raise ConfigError(f"mergekit's {method} takes no base; leave it out")
    write(made, checked)
    return made


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ConfigError(f"mergekit knows only {what}; set it")


def _weights(made: Settings, weights: Sequence[Any] | None) -> None:
    """One a model; 1 if not given, which is also equal shares of their sum."""
    made.each("weight", (1.0,) * len(made.own) if weights is None else weights)


def _linear(made: Settings, p: avg.Linear) -> None:
    _weights(made, p.weights)
    made.flag("normalize", p.normalize if p.weights is not None else True)


def _sma(made: Settings, _: avg.Sma) -> None:
    _weights(made, None)
    made.flag("normalize", True)


def _wma(made: Settings, _: avg.Wma) -> None:
    _weights(made, [float(number) for number in range(1, len(made.own) + 1)])
    made.flag("normalize", True)


def _nuslerp(made: Settings, p: avg.Nuslerp) -> None:
    _weights(made, p.weights)
    made.flag("nuslerp_flatten", p.axis == "tensor")
    if p.axis != "tensor":
        made.flag("nuslerp_row_wise", p.axis == "column")


def _multislerp(made: Settings, p: avg.Multislerp) -> None:
    _weights(made, p.weights)
    made.flag("normalize_weights", p.normalize if p.weights is not None else True)


def _karcher(made: Settings, p: avg.Karcher) -> None:
    _require(p.weights is None or len(set(p.weights)) == 1, "equal weights of karcher")
    made.flag("max_iter", p.max_iterations)
    made.flag("tol", p.tolerance)


def _ram(made: Settings, p: avg.Ram) -> None:
    made.one("epsilon", p.threshold)


def _ram_plus(made: Settings, p: avg.RamPlus) -> None:
    _require(p.scope == "tensor", 'scope = "tensor"')
    _ram(made, p)
    made.one("r", p.r)
    made.one("alpha", p.alpha)


def _sce(made: Settings, p: task.Sce) -> None:
    _require(p.merge == "selected", 'merge = "selected"')
    _require(p.majority == "positive", 'majority = "positive"')
    _require(p.scale == 1, "scale = 1")
    made.flag("select_topk", p.select_topk)


def _passthrough(made: Settings, p: structure.Passthrough) -> None:
    if p.scale != 1:
        made.each("scale", [p.scale])


def _weighted(made: Settings, p: task.Weighted) -> None:
    _weights(made, p.weights)
    if p.scale != 1:
        made.one("lambda", p.scale)


def _added(made: Settings, p: task.TaskArithmetic) -> None:
    _weighted(made, p)
    made.flag("normalize", p.normalize)


def _elected(made: Settings, p: task.Elected) -> None:
    _require(p.majority == "positive", 'majority = "positive"')
    _require(p.merge != "max", 'merge = "mean" or "sum"')
    _weighted(made, p)
    made.flag("normalize", p.merge == "mean")


def _ties(made: Settings, p: task.Ties) -> None:
    _require(p.scope == "tensor", 'scope = "tensor"')
    _elected(made, p)
    made.alike("density", p.density)


def _dropped(made: Settings, p: task.Dropped) -> None:
    _require(p.rescale != "inverse", 'rescale = "l1" or "none"')
    made.alike("density", p.density)
    made.flag("rescale", p.rescale == "l1")


def _dare_linear(made: Settings, p: task.DareLinear) -> None:
    _added(made, p)
    _dropped(made, p)


def _dare_ties(made: Settings, p: task.DareTies) -> None:
    _elected(made, p)
    _dropped(made, p)


def _della_linear(made: Settings, p: task.DellaLinear) -> None:
    _dare_linear(made, p)
    made.alike("epsilon", p.epsilon)


def _della(made: Settings, p: task.Della) -> None:
    _dare_ties(made, p)
    made.alike("epsilon", p.epsilon)


def _crumbs(made: Settings, p: task.Crumbs) -> None:
    _require(p.scope == "tensor", 'scope = "tensor"')
    made.alike("density", p.density)
    made.alike("gamma", p.gamma)


def _breadcrumbs(made: Settings, p: task.Breadcrumbs) -> None:
    _added(made, p)
    _crumbs(made, p)


def _breadcrumbs_ties(made: Settings, p: task.BreadcrumbsTies) -> None:
    _elected(made, p)
    _crumbs(made, p)


_Write = Callable[[Settings, Any], None]
_WRITERS: dict[str, tuple[str, _Write]] = {
    "linear": ("linear", _linear),
    "sma": ("linear", _sma),
    "wma": ("linear", _wma),
    "slerp": ("slerp", lambda made, p: made.one("t", p.t)),
    "nuslerp": ("nuslerp", _nuslerp),
    "multislerp": ("multislerp", _multislerp),
    "karcher": ("karcher", _karcher),
    "model_stock": (
        "model_stock",
        lambda made, p: made.flag("filter_wise", p.scope == "row"),
    ),
    "nearswap": ("nearswap", lambda made, p: made.one("t", p.t)),
    "arcee_fusion": ("arcee_fusion", lambda _, __: None),
    "ram": ("ram", _ram),
    "ram_plus": ("ramplus_tl", _ram_plus),
    "sce": ("sce", _sce),
    "passthrough": ("passthrough", _passthrough),
    "task_arithmetic": ("task_arithmetic", _added),
    "ties": ("ties", _ties),
    "dare_linear": ("dare_linear", _dare_linear),
    "dare_ties": ("dare_ties", _dare_ties),
    "della_linear": ("della_linear", _della_linear),
    "della": ("della", _della),
    "breadcrumbs": ("breadcrumbs", _breadcrumbs),
    "breadcrumbs_ties": ("breadcrumbs_ties", _breadcrumbs_ties),
}
