"""The end of a campaign: test splits are scored here, and only here, for the report.

Who is champion, and how many vote in an ensemble, was decided on the search splits before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from speciate.campaign import Stages, let_go, score
from speciate.evaluator.ensemble import majority
from speciate.evaluator.evaluator import Evaluator
from speciate.lineage import champion
from speciate.population.founders import breeding
from speciate.records import Individual, Parent, Recipe, Score, State

Scores = Mapping[str, Score]


def finish(stages: Stages, test: Evaluator, state: State) -> None:
    """Scores founders, champion and the founders' average on the test splits, and archives it.

    Args:
        stages: As the campaign ran with.
        test: Scores the test splits, on the same engine.
        state: After the last step.
    """
    known = dict(stages.archive.individuals)
    best = champion(known)
    average = _average(stages, known, state)
    known[average.id] = average
    names = [founder.recipe.id for founder in stages.founders]
    shown = dict.fromkeys([*names, average.id, best.id])
    scores = {}
    for done, name in enumerate(shown, 1):
        scores[name] = _test(stages, test, name, known)
        stages.watch.candidate(done, len(shown))
    report = {
        "champion": best.id,
        "average": average.id,
        "founders": names,
        "test": {name: _to_json(scores[name]) for name in shown},
        "ensemble": _ensemble(stages, test, state, known) if stages.config.ensemble else {},
    }
    born = [] if average.id in stages.archive.individuals else [average]
    stages.archive.commit_step(replace(state, step=state.step + 1), born, report)
    let_go(stages, state, known)


def _average(stages: Stages, known: Mapping[str, Individual], state: State) -> Individual:
    """The baseline that asks for no search: the plain average of the founders bred from."""
    models = breeding(stages.founders, stages.config.founders)
    parents = tuple(Parent(name, "model") for name in models)
    recipe = Recipe("linear", parents, {"weights": None, "normalize": True}, seed=0)
    digest = stages.nursery.raise_offspring(recipe, known)
    average = Individual(recipe, digest, state.step, "baseline", "plain average of the founders")
    return replace(average, evaluation=score(stages, average, known))


def _test(stages: Stages, test: Evaluator, name: str, known: Mapping[str, Individual]) -> Scores:
    return test.score(str(known[name].digest), stages.nursery.folder(name, known))


def _ensemble(
    stages: Stages, test: Evaluator, state: State, known: Mapping[str, Individual]
) -> dict[str, Any]:
    """Per task with answers: the number of voters that is best in search, and its test score."""
    members = [known[name] for name in state.members]
    found = [member.evaluation.scores for member in members if member.evaluation]
    tasks = [task for task, score in found[0].items() if score.answers and task in test.names]
    result = {}
    for task in tasks if len(found) > 1 else []:
        votes = _best_vote([scores[task] for scores in found], stages.search, task)
        voters = members[:votes]
        answers = [_test(stages, test, voter.id, known)[task] for voter in voters]
        score = _vote(answers, test, task)
        result[task] = {"voters": [voter.id for voter in voters], "score": score.to_json()}
    return result


def _best_vote(scores: Sequence[Score], search: Evaluator, task: str) -> int:
    """How many of the best members vote best on the search split; the fewest of equals."""
    counts = range(2, len(scores) + 1)
    return max(counts, key=lambda count: (_vote(scores[:count], search, task).value, -count))


def _vote(scores: Sequence[Score], evaluator: Evaluator, task: str) -> Score:
    answers = majority([score.answers or () for score in scores])
    right = [float(evaluator.right(task, item, answer)) for item, answer in enumerate(answers)]
    return Score(scores[0].metric, tuple(right), tuple(answers))


def _to_json(scores: Scores) -> dict[str, Any]:
    return {task: score.to_json() for task, score in scores.items()}
