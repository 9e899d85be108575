"""What stock git shows of a campaign."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from speciate.archive.archive import Archive
from speciate.records import Individual, State

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
    expected += [f"population/{id_[:2]}/{id_}.json" for id_ in members]
    for task in ("sums", "a%2Fb%3A text"):
        expected += [f"scores/{id_[:2]}/{id_}/{task}.json" for id_ in members]
    assert sorted(filter(None, paths)) == sorted(expected)


def test_the_layout_of_an_individual(campaign: Path, git: Git, steps: Script) -> None:
    archive = Archive.open(campaign)
    individual = steps[-1][1][0]
    commit = archive.commit_of(individual.id)
    recipe = git(campaign, "show", f"{commit}:recipe.json")
    assert hashlib.sha256(recipe.encode()).hexdigest().startswith(individual.id)
    facts = json.loads(git(campaign, "show", f"{commit}:individual.json"))
    assert facts["fitness"] == individual.fitness
    assert facts["metrics"]["sums"] == {"metric": "accuracy", "value": individual.fitness}
    id_ = individual.id
    scores = git(campaign, "rev-parse", f"{commit}:scores", f"main:scores/{id_[:2]}/{id_}")
    assert len(set(scores.split())) == 1


def test_dates_are_a_logical_clock(campaign: Path, git: Git) -> None:
    dates = git(campaign, "log", "--first-parent", "--format=%aI %cI %an %ce", "main").splitlines()
    date = "2000-01-01T00:00:05+00:00"
    assert dates[0] == f"{date} {date} speciate speciate@localhost"
