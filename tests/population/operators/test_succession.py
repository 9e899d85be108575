from collections.abc import Callable

import pytest
from torch import Tensor

Merged = Callable[..., Tensor]


def swarm(**given: list[float]) -> dict[str, list[list[float]]]:
    names = ("current", "personal_best", "best", "worst", "inertia_from", "inertia_to")
    return {name: [given.get(name, [0.0, 0.0])] for name in names}


def test_succession_by_hand(merged: Merged) -> None:
    roles = swarm(
        current=[1.0, 1.0],
        personal_best=[3.0, 1.0],
        best=[1.0, 5.0],
        worst=[0.0, 2.0],
        inertia_from=[0.0, 0.0],
        inertia_to=[1.0, -1.0],
    )
    # Last velocity: (1, -1) / 0.5. Sum: .2 (2, -2) + .2 (2, 0) + .2 (0, 4) - .1 (-1, 1),
    # over .7: (.9, .3) / .7.
    result = merged(
        "succession",
        roles,
        inertia=0.2,
        cognitive=0.2,
        social=0.2,
        repulsion=0.1,
        step=0.7,
        inertia_step=0.5,
    )
    assert result.tolist() == pytest.approx([1.9, 1.3], abs=1e-6)


PULLS = {"inertia": 0.0, "cognitive": 0.0, "social": 0.0, "repulsion": 0.0, "step": 0.5}


def test_succession_without_pull_stays(merged: Merged) -> None:
    roles = swarm(current=[1.5, -2.5], best=[9.0, 9.0])
    assert merged("succession", roles, **PULLS).tolist() == [1.5, -2.5]


@pytest.mark.parametrize(
    ("pull", "role", "expected"),
    [
        ("cognitive", "personal_best", [2.0, 4.0]),
        ("social", "best", [2.0, 4.0]),
        ("repulsion", "worst", [-2.0, -4.0]),
        ("inertia", "inertia_to", [2.0, 4.0]),
        ("inertia", "inertia_from", [-2.0, -4.0]),
    ],
)
def test_each_pull_alone(merged: Merged, pull: str, role: str, expected: list[float]) -> None:
    """Regression: a personal best that is the current position would pull nowhere."""
    result = merged("succession", swarm(**{role: [4.0, 8.0]}), **PULLS | {pull: 0.3})
    assert result.tolist() == pytest.approx(expected, abs=1e-6)
