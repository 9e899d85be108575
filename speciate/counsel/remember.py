"""What agents remember, which is archived with the state of each step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from speciate.records import State


def recalled(state: State, part: str) -> Mapping[str, Any]:
    """One part of it; empty at first."""
    found: Mapping[str, Any] = state.agents.get(part, {})
    return found


def remembering(state: State, **parts: Any) -> State:  # noqa: ANN401
    """The state with these parts in place of older ones; what is empty is left out."""
    agents = {**state.agents, **parts}
    return replace(state, agents={name: agents[name] for name in sorted(agents) if agents[name]})
