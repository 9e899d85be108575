"""The merge methods of mergekit: what they take, and the operator that each of them is here."""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["shared", "each", "not base"]
Kind = type[float] | type[bool] | type[int]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method.

    Attributes:
        kind: What its values are.
        scope: Given once; for each input; or for each input but the base.
        default: None if it has to be given.
    """

    kind: Kind
    scope: Scope = "shared"
    default: float | bool | None = None


@dataclass(frozen=True)
class Method:
    """A merge method.

    Attributes:
        operator: The operator here.
        base: Whether `base_model` is one more input with a part of its own; if "ignored" it is
            merely one of the inputs.
        others: Least and largest number of the other inputs.
        parameters: By name.
    """

    operator: str
    base: Literal["required", "optional", "ignored"]
    others: tuple[int, int | None]
    parameters: dict[str, Parameter]


_WEIGHT = Parameter(float, "not base")
_MASK = {"int8_mask": Parameter(bool, default=False)}


def _on_task_vectors(operator: str, normalize: bool, rescale: bool, **more: Parameter) -> Method:
    parameters = {
        **_MASK,
        "normalize": Parameter(bool, default=normalize),
        "rescale": Parameter(bool, default=rescale),
        "lambda": Parameter(float, default=1.0),
        "weight": _WEIGHT,
        "density": Parameter(float, "not base", 1.0),
        **more,
    }
    return Method(operator, "required", (1, None), parameters)


_GAMMA = Parameter(float, "not base", 0.01)
_EPSILON = Parameter(float, "not base", 0.15)

METHODS: dict[str, Method] = {
    "linear": Method(
        "linear",
        "ignored",
        (1, None),
        {"weight": Parameter(float, "each"), "normalize": Parameter(bool, default=True)},
    ),
    "slerp": Method("slerp", "required", (1, 1), {"t": Parameter(float)}),
    "nuslerp": Method(
        "nuslerp",
        "optional",
        (2, 2),
        {
            "weight": _WEIGHT,
            "nuslerp_row_wise": Parameter(bool, default=False),
            "nuslerp_flatten": Parameter(bool, default=True),
        },
    ),
    "multislerp": Method(
        "multislerp",
        "optional",
        (1, None),
        {
            "weight": _WEIGHT,
            "normalize_weights": Parameter(bool, default=True),
            "eps": Parameter(float, default=1e-8),
        },
    ),
    "karcher": Method(
        "karcher",
        "ignored",
        (1, None),
        {"max_iter": Parameter(int, default=10), "tol": Parameter(float, default=1e-5)},
    ),
    "model_stock": Method(
        "model_stock", "required", (2, None), {"filter_wise": Parameter(bool, default=False)}
    ),
    "nearswap": Method("nearswap", "required", (1, 1), {"t": Parameter(float)}),
    "arcee_fusion": Method("arcee_fusion", "required", (1, 1), {}),
    "ram": Method("ram", "required", (1, None), {"epsilon": Parameter(float, default=1e-5)}),
    "ramplus_tl": Method(
        "ram_plus",
        "required",
        (1, None),
        {
            "epsilon": Parameter(float, default=1e-5),
            "r": Parameter(float, default=0.1),
            "alpha": Parameter(float, default=0.2),
        },
    ),
    "sce": Method(
        "sce", "required", (1, None), {**_MASK, "select_topk": Parameter(float, default=1.0)}
    ),
    "passthrough": Method(
        "passthrough", "ignored", (1, 1), {"scale": Parameter(float, "each", 1.0)}
    ),
    "task_arithmetic": _on_task_vectors("task_arithmetic", normalize=False, rescale=False),
    "ties": _on_task_vectors("ties", normalize=True, rescale=False),
    "dare_linear": _on_task_vectors("dare_linear", normalize=False, rescale=True),
    "dare_ties": _on_task_vectors("dare_ties", normalize=False, rescale=True),
    "breadcrumbs": _on_task_vectors("breadcrumbs", False, False, gamma=_GAMMA),
    "breadcrumbs_ties": _on_task_vectors("breadcrumbs_ties", False, False, gamma=_GAMMA),
    "della": _on_task_vectors("della", True, True, epsilon=_EPSILON),
    "della_linear": _on_task_vectors("della_linear", False, True, epsilon=_EPSILON),
}

ALL_PARAMETERS = frozenset(name for method in METHODS.values() for name in method.parameters)
