"""What a finished campaign shows: test scores of founders, average and champion, and the gains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speciate.archive.archive import Archive
from speciate.configs.directions import higher_is_better
from speciate.errors import ArchiveError
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.records import Score
from speciate.words import label


@dataclass(frozen=True)
class Measure:
    """One column: a task, or all tasks of one metric taken together."""

    name: str
    metric: str
    higher_is_better: bool
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One row: per-item test scores of one model by measure."""

    name: str
    id: str
    items: Mapping[str, Sequence[float]]

    def mean(self, measure: str) -> float:
        """Of a measure."""
        return sum(self.items[measure]) / len(self.items[measure])


@dataclass(frozen=True)
class Comparison:
    """The champion against one other model on one measure."""

    measure: str
    other: str
    gain: Gain


@dataclass(frozen=True)
class Results:
    """All of the final report; founders come first in `models`, then average, then champion.

    Attributes:
        fitness: Of the founder that was the fittest on the search splits, and of the champion, by
            split: "search", "validation" if some items were kept for it, and "test". Empty if no
            task of the fitness is tested, or the report is of before this was told.
        stopped: What early stopping went by, if the campaign stopped early.
    """

    measures: tuple[Measure, ...]
    models: tuple[Model, ...]
    best_founder: str
    comparisons: tuple[Comparison, ...]
    ensembles: Mapping[str, tuple[int, float]]
    fitness: Mapping[str, Mapping[str, float]]
    stopped: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "scores": {
                model.name: {measure.name: model.mean(measure.name) for measure in self.measures}
                for model in self.models
            },
            "best_founder": self.best_founder,
            "fitness": {name: dict(splits) for name, splits in self.fitness.items()},
            "stopped": self.stopped,
            "gains": [
                {
                    "measure": one.measure,
                    "over": one.other,
                    "mean": one.gain.mean,
                    "interval_95": [one.gain.low, one.gain.high],
                }
                for one in self.comparisons
            ],
            "ensembles": {
                task: {"voters": voters, "value": value}
                for task, (voters, value) in self.ensembles.items()
            },
        }


def results(archive: Archive) -> Results:
    """The final report of an archive.

    Raises:
        ArchiveError: The campaign is not finished.
    """
    if archive.report is None:
        raise ArchiveError(
            f"{archive.folder}: the campaign is not finished; go on with `speciate run`"
        )
    report = archive.report
    scores = {
        name: {task: Score.from_json(score) for task, score in tasks.items()}
        for name, tasks in report["test"].items()
    }
    measures = _measures(archive.config["tasks"], scores[report["champion"]])
    names = {name: label(name, archive.individuals) for name in report["founders"]}
    names |= {report["average"]: "average"}
    roles = [*names.items(), (report["champion"], "champion")]
    models = tuple(Model(name, id_, _pooled(scores[id_], measures)) for id_, name in roles)
    fitness = report.get("fitness", {})
    best = _best_founder(models[: len(report["founders"])], measures[0])
    return Results(
        measures,
        models,
        best.name,
        _comparisons(models[-1], (best, models[-2]), measures),
        {
            task: (len(entry["voters"]), Score.from_json(entry["score"]).value)
            for task, entry in report["ensemble"].items()
        },
        {name: fitness[id_] for id_, name in roles if fitness.get(id_)},
        report.get("stopped"),
    )


def _measures(
    tasks: Sequence[Mapping[str, Any]], scored: Mapping[str, Score]
) -> tuple[Measure, ...]:
    """Metrics over all their tasks first, in the order in which the campaign names them."""
    by_metric: dict[str, list[str]] = {}
    higher: dict[str, bool] = {}
    for task in tasks:
        if task["name"] in scored:
            metric = scored[task["name"]].metric
            by_metric.setdefault(metric, []).append(task["name"])
            higher[metric] = higher_is_better(task)
    pooled = [
        Measure(f"all {metric}", metric, higher[metric], tuple(names))
        for metric, names in by_metric.items()
        if len(names) > 1
    ]
    single = [
        Measure(name, metric, higher[metric], (name,))
        for metric, names in by_metric.items()
        for name in names
    ]
    return (*pooled, *single)


def _pooled(scores: Mapping[str, Score], measures: Sequence[Measure]) -> dict[str, list[float]]:
    return {
        measure.name: [item for task in measure.tasks for item in scores[task].items]
        for measure in measures
    }


def _best_founder(founders: Sequence[Model], measure: Measure) -> Model:
    """The best by the test split itself: the hardest one to beat."""
    key: Callable[[Model], float] = lambda model: model.mean(measure.name)  # noqa: E731
    return max(founders, key=key) if measure.higher_is_better else min(founders, key=key)


def _comparisons(
    champion: Model, others: Sequence[Model], measures: Sequence[Measure]
) -> tuple[Comparison, ...]:
    return tuple(
        Comparison(
            measure.name,
            other.name,
            paired_gain(
                champion.items[measure.name], other.items[measure.name], measure.higher_is_better
            ),
        )
        for measure in measures
        for other in others
    )
