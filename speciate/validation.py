"""Who is champion, on search items that selection has not seen.

Whoever leads among many owes it to luck too, and the more so the fewer items there are: the
winner's curse. So a few of the fittest are scored again on items that were kept from selection.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from speciate.archive.archive import Archive
from speciate.champion import contenders
from speciate.configs import schema
from speciate.errors import TaskError
from speciate.evaluator.evaluator import evaluation
from speciate.population.randomness import stream
from speciate.records import Individual, Score
from speciate.worker import Splits

Scores = Mapping[str, Mapping[str, Score]]
"""By individual, then by task."""


def parted(config: schema.Campaign, search: Splits) -> tuple[Splits, Splits]:
    """The search splits that selection sees, and those that it does not: of other items.

    Raises:
        TaskError: A task has too few items.
    """
    if config.validation is None:
        return search, {}
    seen, unseen = {}, {}
    for name, split in search.items():
        count = len(split.items)
        if count < 2:
            raise TaskError(
                f"{split.places[0]}: task '{name}' has no second search item to keep for "
                "validation; add items, or leave out [validation]"
            )
        kept = min(max(1, round(config.validation.share * count)), count - 1)
        drawn = stream(config.seed, "validation", name).shuffle(range(count))
        unseen[name], seen[name] = split.of(sorted(drawn[:kept])), split.of(sorted(drawn[kept:]))
    return seen, unseen


def finalists(archive: Archive, count: int) -> list[Individual]:
    """The fittest on the search splits, best first; see `contenders`."""
    return [archive.individuals[name] for name in islice(contenders(archive), count)]


def elected(config: schema.Campaign, those: Sequence[Individual], scores: Scores) -> Individual:
    """The best by these scores, of equals the first; the first of all if there are none."""
    if not scores:
        return those[0]
    return max(those, key=lambda one: evaluation(config.tasks, scores[one.id], "").fitness)


def comparable(
    config: schema.Campaign,
    one: Individual,
    validation: Mapping[str, Score] | None,
    test: Mapping[str, Score],
) -> dict[str, float]:
    """Fitness by split, on the tasks that are tested: a watch on overfitting."""
    tasks = [task for task in config.tasks if task.test and task.weight > 0]
    search = one.evaluation.scores if one.evaluation else None
    splits = {"search": search, "validation": validation, "test": test}
    return {
        name: evaluation(tasks, scores, "").fitness
        for name, scores in splits.items()
        if scores and tasks
    }
