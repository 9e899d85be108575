"""Greedy soup of a campaign's founders: the strongest average that asks for no evolution.

"Model soups", Wortsman et al., 2022, arXiv 2203.05482. Scored on the search splits alone, by the
campaign's own fitness and engine.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from speciate.configs import schema
from speciate.configs.campaign import load
from speciate.errors import UsageError
from speciate.evaluator import Engine
from speciate.evaluator.cache import EvaluationCache
from speciate.evaluator.evaluator import Evaluator, evaluation
from speciate.evaluator.split import load_split
from speciate.evaluator.start import start_engine
from speciate.evaluator.tokenizer import Tokenizer
from speciate.population.breed import breed
from speciate.population.founders import Founder, load_founders
from speciate.population.soup import greedy_soup
from speciate.records import Parent, Recipe


def soup(
    config: str | Path,
    out: str | Path,
    assignments: Sequence[str] = (),
    told: Callable[[str, float], None] = lambda _, __: None,
    start: Callable[[schema.Engine, Path], Engine] = start_engine,
) -> tuple[str, ...]:
    """Writes the greedy soup of the founders as a model folder.

    Args:
        config: The campaign file; its founders, tasks and engine are used.
        out: The new model folder; it appears complete or not at all.
        assignments: Overrides such as "engine.dtype=float32".
        told: Told the members and the fitness of each average that is tried.
        start: Starts an engine; called once.

    Returns:
        Names of the founders whose average it is.

    Raises:
        UsageError: Config, founders or tasks cannot be used, or `out` exists.
        EvaluationError: A model cannot be scored.
    """
    path = Path(config)
    campaign = load(path, assignments)
    target = Path(out)
    if target.exists():
        raise UsageError(f"{target}: exists already; choose another folder or remove it")
    founders = load_founders(campaign.founders, path.parent)
    if any(one.is_adapter for one in founders):
        raise UsageError(
            "soup averages models, and the founders are adapters; merge them by lora_svd"
        )
    splits = {
        task.name: load_split(task, path.parent / task.search)
        for task in campaign.tasks
        if task.search is not None
    }
    engine = start(campaign.engine, founders[0].path)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            cache = EvaluationCache(Path(scratch) / "evaluations")
            evaluator = Evaluator(engine, Tokenizer(founders[0].path), splits, cache)
            members = _members(_bred_from(founders, campaign), _Tasting(campaign, evaluator, told))
    finally:
        engine.close()
    average(members, target, campaign.store.dtype)
    return tuple(one.name for one in members)


def _bred_from(founders: Sequence[Founder], campaign: schema.Campaign) -> list[Founder]:
    listed = [schema.founder_name(model) for model in campaign.founders.models]
    return [one for one in founders if one.name in listed]


def _members(founders: Sequence[Founder], tasting: "_Tasting") -> list[Founder]:
    """The best founder, and each that makes the average better, from the best on."""
    ordered = sorted(founders, key=lambda one: (-tasting.fitness([one]), one.name))

    def score(weights: Sequence[float]) -> float:
        return tasting.fitness([one for one, w in zip(ordered, weights, strict=True) if w])

    return [ordered[number] for number in greedy_soup(len(ordered), score)]


class _Tasting:
    """Scores averages; each is written, scored and taken away again."""

    def __init__(
        self,
        campaign: schema.Campaign,
        evaluator: Evaluator,
        told: Callable[[str, float], None],
    ) -> None:
        self._campaign = campaign
        self._evaluator = evaluator
        self._told = told

    def fitness(self, members: Sequence[Founder]) -> float:
        """Of the average, on the search splits; what was scored before is remembered."""
        with tempfile.TemporaryDirectory() as folder:
            model, digest = members[0].path, members[0].digest
            if len(members) > 1:
                model = Path(folder) / "model"
                digest = average(members, model, self._campaign.store.dtype)
            scores = self._evaluator.score(digest, model)
        fingerprint = self._evaluator.engine.fingerprint
        reached = evaluation(self._campaign.tasks, scores, fingerprint).fitness
        self._told(" + ".join(one.name for one in members), reached)
        return reached


def average(members: Sequence[Founder], out: Path, dtype: str | None) -> str:
    """Writes the plain average of some founders.

    Returns:
        The digest of its weights.
    """
    parents = tuple(Parent(one.name, "model") for one in members)
    paths = {one.name: one.path for one in members}
    return breed(Recipe("linear", parents, {}, 0), paths, out, dtype)
