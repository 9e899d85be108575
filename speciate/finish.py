"""The end of a campaign: test splits are scored here, and only here, for the report.

Who is champion, and how many vote in an ensemble, is decided on the search splits: on those that
selection saw or, if some items were kept for validation, on these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.archive.known import Joined
from speciate.champion import champion_of
from speciate.evaluator.ensemble import majority
from speciate.evaluator.evaluator import Answers
from speciate.keeping import let_go
from speciate.nursery import Known
from speciate.population.founders import breeding
from speciate.records import Individual, Parent, Recipe, Score, State
from speciate.scoring import all_scored, required, send_all
from speciate.stages import Stages
from speciate.validation import comparable, elected, finalists
from speciate.worker import SplitName

Scores = Mapping[str, Score]


def finish(stages: Stages, search: Answers, test: Answers, state: State) -> None:
    """Scores founders, champion and the founders' average on the test splits, and archives it.

    Args:
        stages: As the campaign ran with.
        search: Which answers are right on the search splits.
        test: And on the test splits.
        state: After the last step.
    """
    archived = stages.archive.individuals
    names = [founder.recipe.id for founder in stages.founders]
    first = max((archived[name] for name in names), key=lambda one: one.fitness)
    those, validation = _finalists(stages, first)
    best = elected(stages.config, those, validation)
    average = _average(stages, archived, state)
    known = Joined(archived, [average])
    shown = list(dict.fromkeys([*names, average.id, best.id]))
    scores = dict(zip(shown, _scored(stages, shown, known, "test"), strict=True))
    ensemble = _ensemble(stages, search, test, state, known) if stages.config.ensemble else {}
    report = {
        "champion": best.id,
        "average": average.id,
        "founders": names,
        "test": {name: _to_json(scores[name]) for name in shown},
        "ensemble": ensemble,
        "fitness": {
            one.id: comparable(stages.config, one, validation.get(one.id), scores[one.id])
            for one in (first, best)
        },
    }
    if validation:
        scored = {name: _to_json(found) for name, found in validation.items()}
        report["validation"] = {"finalists": [one.id for one in those], "scores": scored}
    if stages.stopping.over(state) and stages.strategy.ask(state, archived) is not None:
        report["stopped"] = dict(state.stopping)
    born = [] if average.id in archived else [average]
    stages.archive.commit_step(replace(state, step=state.step + 1), born, report)
    let_go(stages, state, known)


def _finalists(
    stages: Stages, founder: Individual
) -> tuple[Sequence[Individual], dict[str, Scores]]:
    """Who may be champion, best first, and what decides: their scores on the validation splits.

    The best founder is scored too, so that it can be told by how much they are better.
    """
    validation, archive = stages.config.validation, stages.archive
    if validation is None:
        return [champion_of(archive)], {}
    those = finalists(archive, validation.finalists)
    names = list(dict.fromkeys([*(one.id for one in those), founder.id]))
    scores = _scored(stages, names, archive.individuals, "validation")
    return those, dict(zip(names, scores, strict=True))


def _average(stages: Stages, known: Known, state: State) -> Individual:
    """The baseline that asks for no search: the plain average of the founders bred from."""
    models = breeding(stages.founders, stages.config.founders)
    parents = tuple(Parent(name, "model") for name in models)
    operator = "linear"
    if stages.config.strategy.of_adapters:
        # The sum of the updates, cut to the founders' rank.
        parents, operator = tuple(Parent(name, "adapter") for name in models), "lora_svd"
    recipe = Recipe(operator, parents, {"weights": None, "normalize": True}, seed=0)
    average = Individual(recipe, None, state.step, "baseline", "plain average of the founders")
    return all_scored(stages, [average], known)[0]


def _scored(stages: Stages, names: Sequence[str], known: Known, split: SplitName) -> list[Scores]:
    """Scores on the splits of one name, of several side by side."""
    send_all(stages, [known[name] for name in names], known, split)
    found: list[Scores] = []
    for name in names:
        found.append(required(stages, known[name], split).scores)
        stages.watch.candidate(len(found), len(names))
    return found


def _ensemble(
    stages: Stages, search: Answers, test: Answers, state: State, known: Known
) -> dict[str, Any]:
    """Per task with answers: the number of voters that is best in search, and its test score."""
    members = [known[name] for name in state.members]
    found = [member.evaluation.scores for member in members if member.evaluation]
    tasks = [task for task, score in found[0].items() if score.answers and task in test.names]
    votes = {
        task: _best_vote([scores[task] for scores in found], search, task)
        for task in (tasks if len(found) > 1 else [])
    }
    voters = [member.id for member in members[: max(votes.values(), default=0)]]
    tested = _scored(stages, voters, known, "test")
    return {
        task: {
            "voters": voters[:count],
            "score": _vote([scores[task] for scores in tested[:count]], test, task).to_json(),
        }
        for task, count in votes.items()
    }


def _best_vote(scores: Sequence[Score], search: Answers, task: str) -> int:
    """How many of the best members vote best on the search split; the fewest of equals."""
    counts = range(2, len(scores) + 1)
    return max(counts, key=lambda count: (_vote(scores[:count], search, task).value, -count))


def _vote(scores: Sequence[Score], answers: Answers, task: str) -> Score:
    voted = majority([score.answers or () for score in scores])
    right = [float(answers.right(task, item, answer)) for item, answer in enumerate(voted)]
    return Score(scores[0].metric, tuple(right), tuple(voted))


def _to_json(scores: Scores) -> dict[str, Any]:
    return {task: score.to_json() for task, score in scores.items()}
