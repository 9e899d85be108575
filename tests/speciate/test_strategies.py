"""Small campaigns of every strategy on real models, with constraints that bind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speciate.archive.archive import Archive
from speciate.evaluator import Engine
from speciate.goals import goals_of
from speciate.session import run
from speciate.verify import verify

Campaigns = Callable[..., Path]

STRATEGIES = {
    "steady_state": "evaluations = 5\nlag = 2",
    "nsga2": 'generations = 2\nobjectives = ["english", "library"]',
    "kinship": "generations = 2\npatience = 2",
}
# Five children each, or as many as there can be.
_FEW = "evaluations = 5\nlag = 2\n"
OTHERS = {
    "random": _FEW,
    "best_of": _FEW,
    "greedy_soup": "",
    "m2n2": _FEW,
    "map_elites": _FEW + 'behaviours = ["english"]',
    "cycle_qd": _FEW + 'qualities = ["english", "library"]\nmutation_rate = 0.5',
    "cma_es": "evaluations = 5\nsize = 4\ngroups = 2",
    "dfs": "evaluations = 5\nsize = 4",
    "ps_dfs": "evaluations = 4\nsize = 4\npath_evaluations = 4",
    "darwin": _FEW,
    "power_law": _FEW,
    "archipelago": _FEW + "islands = 2\ninterval = 3",
    "novelty": _FEW,
    "mate_choice": _FEW,
    "frank_wolfe": "rounds = 3",
    "surrogate": "evaluations = 5\nfirst = 3\nsize = 2",
    "mixture": _FEW + 'parts = [{ type = "m2n2" }, { type = "darwin" }]',
}
CONSTRAINT = '[[constraints]]\nkind = "floor"\ntask = "library"\nat_most = {}\n'


def campaign(folder: Path, two_tasks: Campaigns, strategy: str, constraint: str = "") -> Path:
    noise = "\nsigma = 0.001" * (strategy in STRATEGIES)
    settings = f'type = "{strategy}"\n{(STRATEGIES | OTHERS)[strategy]}{noise}'
    return two_tasks(folder, constraint, settings)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_runs_to_the_end_and_again_to_the_same_hash(
    tmp_path: Path, two_tasks: Campaigns, transformers: Engine, strategy: str
) -> None:
    path = campaign(tmp_path, two_tasks, strategy)
    heads = []
    for name in ("one", "two"):
        run(path, tmp_path / name, start=lambda *_: transformers)
        archive = Archive.open(tmp_path / name)
        assert archive.report is not None
        assert not archive.fsck()
        heads.append(archive.head)
    assert heads[0] == heads[1]
    assert archive.state is not None
    assert not archive.state.pending
    assert verify(archive, archive.state.members, lambda _: None) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_constraint_changes_who_lives(
    tmp_path: Path, two_tasks: Campaigns, transformers: Engine, strategy: str
) -> None:
    def bits(archive: Archive, name: str) -> float:
        evaluation: Any = archive.individuals[name].evaluation
        return float(evaluation.scores["library"].value)

    run(campaign(tmp_path, two_tasks, strategy), tmp_path / "free", start=lambda *_: transformers)
    free = Archive.open(tmp_path / "free")
    assert free.state is not None
    bound = min(bits(free, name) for name in free.state.members) + 0.01

    path = campaign(tmp_path, two_tasks, strategy, CONSTRAINT.format(bound))
    run(path, tmp_path / "bound", start=lambda *_: transformers)
    bound_by = Archive.open(tmp_path / "bound")
    assert bound_by.state is not None
    goals, known = goals_of(bound_by.config), bound_by.individuals
    amounts = [goals.excess(known[name], known) for name in bound_by.state.members]
    assert amounts == sorted(amounts)
    assert amounts[0] == 0
    assert bound_by.report is not None
    assert goals.excess(known[bound_by.report["champion"]], known) == 0
    assert any(goals.violations(one, known) for one in known.values())


# Those that make recipes, or need things, in a way of their own; the others by night.
_BY_DAY = ("best_of", "m2n2", "cycle_qd", "cma_es", "dfs", "ps_dfs", "mixture")


@pytest.mark.parametrize(
    "strategy",
    [pytest.param(name, marks=() if name in _BY_DAY else pytest.mark.nightly) for name in OTHERS],
)
def test_every_strategy_runs_on_models(
    tmp_path: Path, two_tasks: Campaigns, transformers: Engine, strategy: str
) -> None:
    run(campaign(tmp_path, two_tasks, strategy), tmp_path / "out", start=lambda *_: transformers)
    archive = Archive.open(tmp_path / "out")
    assert archive.report is not None
    assert goals_of(archive.config).weights == {"english": 1.0, "library": 1.0}
    failed = [one.error for one in archive.individuals.values() if one.error]
    assert not failed
    children = [one for one in archive.individuals.values() if one.proposer.startswith(strategy)]
    assert children
