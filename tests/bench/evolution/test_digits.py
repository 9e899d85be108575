"""The benchmark on digits, for a few evaluations."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speciate.population.crew import Crew

LABELS = [
    "scratch/M2N2",
    "scratch/no crossover",
    "half-trained/no attraction",
    "half-trained/no split",
    "half-trained/neither competition nor attraction",
]


@pytest.fixture(scope="module", autouse=True)
def siblings() -> Iterator[None]:
    """Scripts of this folder import each other by their bare names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        yield


@pytest.fixture
def runs() -> Any:
    return importlib.import_module("digits_runs")


@pytest.fixture
def world() -> Iterator[Any]:
    with Crew(1) as crew:
        yield importlib.import_module("digits_world").World(crew)


def searched(runs: Any, world: Any, label: str, evaluations: int) -> list[Any]:
    start, name = label.split("/")
    shorter = replace(runs.STARTS[start], evaluations=evaluations)
    return runs.run(world, runs.SETTINGS[name], shorter, 0)["curve"]


def test_search_from_scratch_learns_and_is_repeated(runs: Any, world: Any) -> None:
    curve = searched(runs, world, LABELS[0], 300)
    (_, before, _), *_, (evaluations, after, _) = curve
    assert evaluations == 300
    assert after > before + 0.05
    assert searched(runs, world, LABELS[0], 300) == curve


@pytest.mark.parametrize("label", LABELS)
def test_every_search_keeps_its_best(runs: Any, world: Any, label: str) -> None:
    trained = [train for _, train, _ in searched(runs, world, label, 60)]
    assert trained[-1] > trained[0]
    if "competition" in label:
        # Only shared items let the fittest die.
        assert trained == sorted(trained)


def test_half_trained_founders_know_their_half(world: Any) -> None:
    networks = importlib.import_module("digits_world").founders(0, True).values()
    low = (world.search.classes < 5).numpy()
    for network, mine in zip(networks, (low, ~low), strict=True):
        right = world.search.right(network)
        assert right[mine].mean() > 0.9
        assert not right[~mine].any()


def test_runs_go_on(
    runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    digits = importlib.import_module("digits")
    for start in runs.STARTS:
        shorter = replace(runs.STARTS[start], evaluations=20)
        monkeypatch.setitem(runs.STARTS, start, shorter)
    first, second = digits.wanted(range(2), [LABELS[2]])
    found = first.done(tmp_path)
    again = replace(first, make=None).done(tmp_path)
    assert again == found
    digits.report({one.name: one.done(tmp_path) for one in (first, second)})
    assert "| no attraction | 2 |" in capsys.readouterr().out
