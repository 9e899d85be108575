"""Operators that agents may propose recipes of."""

from collections.abc import Mapping
from typing import Any

from speciate.agents.knobs import knobs, settable
from speciate.agents.view import Offer, Role
from speciate.configs.agents import Agents
from speciate.configs.operators import CROSSOVERS
from speciate.population.operators.operator import Arity, Operator, Structural
from speciate.population.operators.registry import OPERATORS

# Those that change one model, or take parts of several, and keep its shapes.
_MUTATIONS = ("gaussian", "svd_mutation", "rescale", "split_point", "layer_choice", "layer_swap")


def offers(config: Agents) -> tuple[Offer, ...]:
    """Of the families that the campaign's agents may use; without what needs files or measures."""
    names = dict.fromkeys((*CROSSOVERS, *_MUTATIONS))
    known = [OPERATORS[name] for name in names if name in OPERATORS]
    return tuple(
        _offer(one) for one in known if one.family in config.families and settable(one.parameters)
    )


def _offer(one: Operator[Any, Any] | Structural[Any]) -> Offer:
    return Offer(
        name=one.name,
        family=one.family,
        sentence=one.summary,
        roles=_roles(one.roles),
        parameters=knobs(one.parameters),
        weighted=one.parameters.share == "weights",
    )


def _roles(roles: Mapping[str, Arity]) -> tuple[Role, ...]:
    return tuple(Role(name, arity.least, arity.most) for name, arity in roles.items())
