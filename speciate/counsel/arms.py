"""Arms of the bandit: who can be asked for a recipe, and of what kind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, cast

from speciate.agents.coder import SOURCES
from speciate.configs.agents import Agent, Agents, Role
from speciate.records import State

_LONGEST_REST = 32


@dataclass(frozen=True)
class Arm:
    """Somebody who can be asked for something.

    Attributes:
        role: Of the agent.
        endpoint: What the language model is called.
        family: Of the operators, or how a coder works; "" for other roles.
    """

    role: Role
    endpoint: str
    family: str = ""

    def __str__(self) -> str:
        """The name, such as "breeder@local:averaging"."""
        return f"{self.role}@{self.endpoint}" + (f":{self.family}" if self.family else "")

    @classmethod
    def of(cls, name: str) -> Self:
        """The arm of this name."""
        role, _, rest = name.partition("@")
        endpoint, _, family = rest.partition(":")
        return cls(cast("Role", role), endpoint, family)


def proposing(config: Agents, families: Iterable[str], operators: int, state: State) -> list[str]:
    """Names of all arms that can propose something now, in a fixed order.

    Args:
        config: Of the agents.
        families: That have operators on offer.
        operators: How many evolved ones there are, which a coder can work on.
        state: Endpoints that failed lately are left alone for some steps.
    """
    offered = [family for family in config.families if family in set(families)]
    modes = [mode for mode, needed in SOURCES.items() if needed <= operators]
    arms = [
        Arm(role, endpoint.title, family)
        for endpoint in _answering(config, state)
        for role, kinds in (("breeder", offered), ("coder", modes))
        if role in endpoint.roles
        for family in kinds
    ]
    return [str(arm) for arm in arms]


def serving(config: Agents, role: Role, state: State) -> list[Arm]:
    """All endpoints that play a role and may be asked now."""
    return [Arm(role, one.title) for one in _answering(config, state) if role in one.roles]


def _answering(config: Agents, state: State) -> list[Agent]:
    resting: Mapping[str, Mapping[str, int]] = state.agents.get("resting", {})
    return [
        one for one in config.endpoints if resting.get(one.title, {}).get("until", 0) <= state.step
    ]


def rested(
    resting: Mapping[str, Mapping[str, int]], step: int, silent: set[str], heard: set[str]
) -> dict[str, dict[str, int]]:
    """Which endpoints are left alone until which step: longer each time that one is silent.

    Args:
        resting: From before.
        step: This one.
        silent: Endpoints that did not answer in it.
        heard: Endpoints that did.
    """
    found = {name: dict(one) for name, one in resting.items() if name not in heard}
    for name in sorted(silent - heard):
        times = found.get(name, {}).get("times", 0) + 1
        found[name] = {"times": times, "until": step + min(2**times, _LONGEST_REST)}
    return found
