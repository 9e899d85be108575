"""From the parameters of a merge method to those of the operator here."""

from collections.abc import Callable, Iterator
from typing import Any

from speciate.errors import ConfigError
from speciate.population.mergekit.settings import Resolver

Made = tuple[str, dict[str, Any]]
"""Name of an operator, and its parameters."""


def made(resolver: Resolver) -> Made:
    """The operator and parameters that do what the method does.

    Raises:
        ConfigError: A parameter is missing or wrong, or nothing here does the same.
    """
    operator = resolver.method.operator
    make = _TASK_VECTORS.get(resolver.name)
    if make is not None:
        return make(resolver)
    return operator, _MAKERS[resolver.name](resolver)


def _numbers(schedule: Any) -> Iterator[float]:  # noqa: ANN401
    """All numbers of a schedule or of several, in the form of recipe files."""
    if isinstance(schedule, list):
        for one in schedule:
            yield from _numbers(one)
    elif isinstance(schedule, dict):
        yield from _numbers(schedule["value"] if "value" in schedule else schedule["models"])
    else:
        yield schedule


def _linear(r: Resolver) -> dict[str, Any]:
    return {"weights": r.each("weight"), "normalize": r.flag("normalize")}


def _nuslerp(r: Resolver) -> dict[str, Any]:
    axis = "column" if r.flag("nuslerp_row_wise") else "row"
    whole = r.flag("nuslerp_flatten")
    return {"weights": r.each("weight"), "axis": "tensor" if whole else axis}


def _multislerp(r: Resolver) -> dict[str, Any]:
    # A single model is returned as it is, whatever its weight.
    normalize = r.flag("normalize_weights") or len(r.sources) == 1
    return {"weights": r.each("weight"), "normalize": normalize}


def _karcher(r: Resolver) -> dict[str, Any]:
    return {"max_iterations": int(r.number("max_iter")), "tolerance": r.number("tol")}


def _model_stock(r: Resolver) -> dict[str, Any]:
    return {"scope": "row" if r.flag("filter_wise") else "tensor"}


def _ram_plus(r: Resolver) -> dict[str, Any]:
    return {
        "threshold": r.one("epsilon"),
        "r": r.one("r"),
        "alpha": r.one("alpha"),
        "scope": "tensor",
    }


def _sce(r: Resolver) -> dict[str, Any]:
    topk = min(r.number("select_topk"), 1.0)
    return {"select_topk": topk, "merge": "selected", "majority": "positive"}


def _passthrough(r: Resolver) -> dict[str, Any]:
    (scale,) = r.each("scale")
    return {} if scale == 1 else {"scale": scale}


_MAKERS: dict[str, Callable[[Resolver], dict[str, Any]]] = {
    "linear": _linear,
    "slerp": lambda r: {"t": r.one("t")},
    "nuslerp": _nuslerp,
    "multislerp": _multislerp,
    "karcher": _karcher,
    "model_stock": _model_stock,
    "nearswap": lambda r: {"t": r.one("t")},
    "arcee_fusion": lambda _: {},
    "ram": lambda r: {"threshold": r.one("epsilon")},
    "ramplus_tl": _ram_plus,
    "sce": _sce,
    "passthrough": _passthrough,
}


def _weighted(r: Resolver) -> dict[str, Any]:
    scale = r.one("lambda")
    return {"weights": r.each("weight"), **({} if scale == 1 else {"scale": scale})}


def _added(r: Resolver) -> dict[str, Any]:
    return {**_weighted(r), "normalize": r.flag("normalize")}


def _elected(r: Resolver) -> dict[str, Any]:
    weighted, normalize = _weighted(r), r.flag("normalize")
    if normalize and min(_numbers(weighted["weights"])) < 0:
        r.notes.append(
            f"{r.name}: a negative weight takes a task away; mergekit divides by the sum of the "
            "signed weights, which adds it again"
        )
    return {**weighted, "merge": "mean" if normalize else "sum", "majority": "positive"}


def _refuse_rescale(r: Resolver, densities: Any) -> None:  # noqa: ANN401
    if r.flag("rescale") and min(_numbers(densities)) < 1:
        raise ConfigError(f"rescale: {r.name} cannot restore norms here; leave it out")


def _ties(r: Resolver) -> Made:
    density = r.alike("density")
    _refuse_rescale(r, density)
    return "ties", {**_elected(r), "density": density, "scope": "tensor"}


def _dropped(r: Resolver) -> dict[str, Any]:
    return {"density": r.alike("density"), "rescale": "l1" if r.flag("rescale") else "none"}


def _della(elects: bool) -> Callable[[Resolver], Made]:
    def make(r: Resolver) -> Made:
        densities = set(_numbers(r.each("density")))
        if densities == {1.0}:
            # Nothing is dropped then; the operator itself takes no density of 1.
            if elects:
                return "ties", {**_elected(r), "density": 1.0, "scope": "tensor"}
            return "task_arithmetic", _added(r)
        epsilon = r.alike("epsilon")
        if 1.0 in densities or (isinstance(epsilon, dict) and "models" in epsilon):
            raise ConfigError(
                f"epsilon: {r.name} takes one for all models here, which must suit all densities, "
                "so that none may be 1 and another less; give the models the same"
            )
        own = _elected(r) if elects else _added(r)
        return r.method.operator, {**own, **_dropped(r), "epsilon": epsilon}

    return make


def _crumbs(elects: bool) -> Callable[[Resolver], Made]:
    def make(r: Resolver) -> Made:
        density = r.alike("density")
        _refuse_rescale(r, density)
        own = _elected(r) if elects else _added(r)
        chosen = {"density": density, "gamma": _gamma(r, density), "scope": "tensor"}
        return r.method.operator, {**own, **chosen}

    return make


def _gamma(r: Resolver, density: Any) -> Any:  # noqa: ANN401
    """Mergekit drops no outliers where all is kept, and fewer where much is."""
    densities = set(_numbers(density))
    if densities == {1.0}:
        return 0.0
    gamma = r.alike("gamma")
    if 1.0 in densities or (isinstance(gamma, dict) and "models" in gamma):
        raise ConfigError(
            f"gamma: {r.name} takes one for all models here, which must suit all densities, so "
            "that none may be 1 and another less; give the models the same"
        )
    if max(_numbers(gamma)) + max(densities) <= 1:
        return gamma
    if len(densities) > 1 or not isinstance(gamma, float):
        raise ConfigError(
            f"gamma: {max(_numbers(gamma)):g} and density {max(densities):g} exceed 1 together; "
            "lower one"
        )
    lowered = 1 - densities.pop()
    r.notes.append(
        f"{r.name}: gamma is lowered to {lowered:g}, what density leaves of 1, as in mergekit; "
        "one element more or less may be dropped of a tensor"
    )
    return lowered


_TASK_VECTORS: dict[str, Callable[[Resolver], Made]] = {
    "task_arithmetic": lambda r: ("task_arithmetic", _added(r)),
    "ties": _ties,
    "dare_linear": lambda r: ("dare_linear", {**_added(r), **_dropped(r)}),
    "dare_ties": lambda r: ("dare_ties", {**_elected(r), **_dropped(r)}),
    "breadcrumbs": _crumbs(elects=False),
    "breadcrumbs_ties": _crumbs(elects=True),
    "della": _della(elects=True),
    "della_linear": _della(elects=False),
}
