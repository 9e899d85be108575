"""Operators that agents may propose recipes of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.agents.knobs import knobs, settable
from speciate.agents.view import Offer, Role
from speciate.configs import schema
from speciate.configs.agents import Agents
from speciate.configs.operators import ADAPTER_CROSSOVERS, CROSSOVERS, WITH_BASE
from speciate.errors import ConfigError
from speciate.planning import ADAPTER_OPERATORS
from speciate.population.adapters import AdapterOperator
from speciate.population.operators.operator import Arity, Operator, Structural
from speciate.population.operators.registry import OPERATORS

AnyOperator = Operator[Any, Any] | Structural[Any] | AdapterOperator[Any, Any]

# Those that change one model, or take parts of several, and keep its shapes.
_MUTATIONS = ("gaussian", "svd_mutation", "rescale", "split_point", "layer_choice", "layer_swap")
_OF_ADAPTERS = "adapters"
# An engine has room for the founders' ranks, which children keep if nothing is said.
_RANK = "rank"


def of_adapters(config: schema.Campaign) -> bool:
    """Whether a campaign, fitted to its founders, is one of adapters."""
    return config.engine.adapters is not None


def offers(config: schema.Campaign, agents: Agents) -> tuple[Offer, ...]:
    """Of the families that the campaign's agents may use; without what needs files or measures.

    Args:
        config: Fitted to its founders.
        agents: Its section of agents.
    """
    chosen = _adapters(config) if of_adapters(config) else _models(config)
    return tuple(_offer(one) for one in chosen if one.family in agents.families)


def suited(config: schema.Campaign) -> schema.Campaign:
    """The campaign, fitted to its founders, with families of operators that suit these.

    Raises:
        ConfigError: Agents could never propose what they are to propose.
    """
    agents = config.agents
    if agents is None:
        return config
    roles = {role for one in agents.endpoints for role in one.roles}
    if of_adapters(config) and "coder" in roles:
        raise ConfigError(
            "agents.endpoints: coders write operators on models, and the founders are adapters; "
            "leave the role out"
        )
    if "families" not in agents.model_fields_set:
        only = {"families": (_OF_ADAPTERS,)} if of_adapters(config) else {}
        agents = agents.model_copy(update=only)
        found = {one.family for one in offers(config, agents)}
        kept = [family for family in agents.families if family in found]
        agents = agents.model_copy(update={"families": tuple(kept)})
    elif "breeder" in roles:
        _check(agents.families, config, agents)
    return config.model_copy(update={"agents": agents})


def _check(families: Sequence[str], config: schema.Campaign, agents: Agents) -> None:
    """Refuses families of which nothing is on offer."""
    found = {one.family for one in offers(config, agents)}
    for family in families:
        if family in found:
            continue
        if of_adapters(config):
            why = 'the founders are adapters; use "adapters"'
        elif family == _OF_ADAPTERS:
            why = "the founders are models; leave it out"
        else:
            why = "its operators need a base model; set founders.base, or leave it out"
        raise ConfigError(f"agents.families: nothing of '{family}' is on offer: {why}")


def _models(config: schema.Campaign) -> Iterable[AnyOperator]:
    without = WITH_BASE if config.founders.base is None else frozenset()
    for name in dict.fromkeys((*CROSSOVERS, *_MUTATIONS)):
        if name in OPERATORS and name not in without and settable(OPERATORS[name].parameters):
            yield OPERATORS[name]


def _adapters(config: schema.Campaign) -> Iterable[AnyOperator]:
    """Those that need equal ranks only where the strategy has them: there ranks were looked at."""
    own = {one.operator for one in config.strategy.crossovers}
    for name in (*ADAPTER_CROSSOVERS, "lora_gaussian"):
        if name in own or not ADAPTER_OPERATORS[name].equal_ranks:
            yield ADAPTER_OPERATORS[name]


def _offer(one: AnyOperator) -> Offer:
    made = Offer(
        name=one.name,
        family=one.family,
        sentence=one.summary,
        roles=_roles(one.roles),
        parameters=knobs(one.parameters),
        weighted=one.parameters.share == "weights",
    )
    if one.family != _OF_ADAPTERS:
        return made
    return replace(
        made, parameters={name: value for name, value in made.parameters.items() if name != _RANK}
    )


def _roles(roles: Mapping[str, Arity]) -> tuple[Role, ...]:
    return tuple(Role(name, arity.least, arity.most) for name, arity in roles.items())
