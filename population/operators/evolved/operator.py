"""The operator whose function is part of the recipe: source that runs in a sandbox."""

from typing import NamedTuple

from torch import Tensor

from speciate.configs.operators.evolved import Evolved
from speciate.configs.section import nearest
from speciate.errors import ConfigError, SandboxError
from speciate.population.operators.averaging.sphere import SOME_AND_PERHAPS_BASE
from speciate.population.operators.evolved.merging import Request, Sandboxes, key_of
from speciate.population.operators.evolved.source import declared
from speciate.population.operators.evolved.static import check as problems_of
from speciate.population.operators.operator import Grain, Locus, Operator, View
from speciate.sandbox import available


class Ready(NamedTuple):
    """Sandboxes that wait for tensors, and the values of all parameters."""

    sandboxes: Sandboxes
    values: dict[str, float]


def measure(view: View, parameters: Evolved, _: None) -> Ready:
    """The sandboxes that all matrices share."""
    sandboxes = view.keep(parameters.source, lambda: Sandboxes(parameters.source))
    return Ready(sandboxes, declared(parameters.source).values(parameters.values))


def merge(locus: Locus, _: Evolved, ready: Ready) -> Tensor:
    """What the source makes of a matrix.

    Raises:
        BreedError: It fails, takes too much, or its result is not finite.
        SandboxError: There is no sandbox on this machine.
    """
    models = [one.cpu() for one in locus.models]
    base = locus.base.cpu() if "base" in locus.tensors else None
    request = Request(models, base, ready.values, key_of(locus.stream(0)))
    name = locus.place.name if not locus.place.part else f"{locus.place.name}[{locus.place.part}]"
    return ready.sandboxes.merge(request, name).to(locus.models[0].device)


def check(parameters: Evolved, _: int) -> None:
    """Whether the source may run here, with these values.

    Raises:
        ConfigError: Something is wrong with it, or a value is unknown or out of bounds.
        SandboxError: There is no sandbox on this machine.
    """
    if problems := problems_of(parameters.source):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(f"source: {problems[0]}{more}")
    known = declared(parameters.source).parameters
    for name, value in parameters.values.items():
        if name not in known:
            raise ConfigError(f"values: unknown '{name:.40}'; {nearest(name, list(known))}")
        low, high, _default = known[name]
        if not low <= value <= high:
            raise ConfigError(f"values: {name} is {value:g}, not between {low:g} and {high:g}")
    if complaint := available():
        raise SandboxError(f"operator evolved runs in a sandbox: {complaint}")


OPERATOR = Operator(
    "evolved",
    "evolved",
    SOME_AND_PERHAPS_BASE,
    Evolved,
    merge,
    grain=Grain.MATRIX,
    measure=measure,
    check=check,
)
