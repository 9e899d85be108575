"""What stock git shows of a campaign."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.records import Individual, Score, State

Script = list[tuple[State, list[Individual]]]
Git = Callable[..., str]


def test_stock_git_reads_the_campaign(campaign: Path, git: Git, steps: Script) -> None:
    subjects = git(campaign, "log", "--first-parent", "--format=%s", "main").splitlines()
    assert subjects[-1] == "campaign"
    fitnesses = [founder.fitness for founder in steps[0][1]]
    best, mean = max(fitnesses), sum(fitnesses) / 4
    assert subjects[-2] == f"step 0: best {best:.4f}, mean {mean:.4f}, 4 born, 0 failed"
    assert len(subjects) == len(steps) + 1
    graph = git(campaign, "log", "--graph", "--oneline", "main")
    assert graph.count("ties") == 20
    assert git(campaign, "fsck", "--strict") == ""
    assert git(campaign, "rev-parse", "--is-bare-repository") == "true"


def test_the_commit_graph_is_the_family_tree(campaign: Path, git: Git) -> None:
    archive = Archive.open(campaign)
    for id_, individual in archive.individuals.items():
        commits = [archive.commit_of(parent.id) for parent in individual.recipe.parents]
        assert git(campaign, "log", "-1", "--format=%P", archive.commit_of(id_)).split() == commits


def test_parents_of_a_step_are_the_last_step_and_the_born(
    campaign: Path, git: Git, steps: Script
) -> None:
    archive = Archive.open(campaign)
    before, last = archive.steps()[-2:]
    born = [archive.commit_of(individual.id) for individual in steps[-1][1]]
    assert git(campaign, "log", "-1", "--format=%P", "main").split() == [before.commit, *born]
    assert last.born == 4


def test_the_layout_of_a_step(campaign: Path, git: Git, steps: Script) -> None:
    paths = git(campaign, "ls-tree", "-r", "--name-only", "-z", "main").split("\0")
    members = steps[-1][0].members
    expected = ["campaign.json", "state.json"]
    for name in ("individual.json", "recipe.json"):
        expected += [f"population/{id_}/{name}" for id_ in members]
    assert sorted(filter(None, paths)) == sorted(expected)


def test_the_layout_of_an_individual(campaign: Path, git: Git, steps: Script) -> None:
    archive = Archive.open(campaign)
    individual = steps[-1][1][0]
    commit = archive.commit_of(individual.id)
    recipe = git(campaign, "show", f"{commit}:recipe.json")
    assert hashlib.sha256(recipe.encode()).hexdigest().startswith(individual.id)
    facts = json.loads(git(campaign, "show", f"{commit}:individual.json"))
    assert facts["fitness"] == individual.fitness
    assert facts["scores"]["sums"]["value"] == individual.fitness
    trees = git(campaign, "rev-parse", f"{commit}^{{tree}}", f"main:population/{individual.id}")
    assert len(set(trees.split())) == 1, "what a step says of a member is what its commit says"


def test_items_are_packed(tmp_path: Path, steps: Script, git: Git) -> None:
    state, [founder, *_] = steps[0]
    scores = {
        "right or wrong": Score("accuracy", (1.0, 0.0, 1.0, -0.0)),
        "real": Score("bits/char", (10.0, 0.1, 1e300, -3e-7)),
    }
    evaluation = replace(founder.evaluation, scores=scores)
    founder = replace(founder, evaluation=evaluation)
    with Archive.create(tmp_path / "x", {}) as archive:
        archive.commit_step(replace(state, members=()), [founder])
        commit = archive.commit_of(founder.id)
    facts = json.loads(git(tmp_path / "x", "show", f"{commit}:individual.json"))
    assert facts["scores"]["right or wrong"]["items"] == "1010"
    assert facts["scores"]["real"]["items"] == "10.0 0.1 1e+300 -3e-07"
    assert Archive.open(tmp_path / "x").individuals[founder.id] == founder


def test_dates_are_a_logical_clock(campaign: Path, git: Git) -> None:
    dates = git(campaign, "log", "--first-parent", "--format=%aI %cI %an %ce", "main").splitlines()
    date = "2000-01-01T00:00:05+00:00"
    assert dates[0] == f"{date} {date} speciate speciate@localhost"
