"""How answers to a task of the harness become one value a document."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from lm_eval.api import metrics

from speciate.configs.section import nearest
from speciate.configs.tasks.lm_eval import LmEval
from speciate.errors import EvaluationError, TaskError
from speciate.evaluator.harness.documents import explained
from speciate.evaluator.tasks.item import DECIMALS

_UNITS = {
    "word_perplexity": "bits/word",
    "byte_perplexity": "bits/byte",
    "bits_per_byte": "bits/byte",
}
_WEIGHTED = (metrics.weighted_perplexity, metrics.bits_per_byte)


class Metric:
    """One metric of a task, of answers that went through one of its filters.

    What the harness averages keeps its values. Its perplexities become their logarithms to base 2,
    which are means of what each document adds, as of our own kind `perplexity`.
    """

    def __init__(self, section: LmEval, task: Any) -> None:  # noqa: ANN401
        """Chooses metric and filter.

        Raises:
            TaskError: The task has none of that name, the metric is no mean over documents, or
                its direction is not the section's.
        """
        ways = task.aggregation()
        filters = {one.name: one for one in task._filters}
        self._section, self._task = section, task
        self._name = _chosen(section, "metric", section.metric, list(ways))
        self._filter = filters[_chosen(section, "filter", section.filter, list(filters))]
        self._way = ways[self._name]
        if self._way not in (metrics.mean, metrics.perplexity, *_WEIGHTED):
            raise TaskError(
                f"'{self._name}' is no mean over documents, so that they "
                f"have no scores; set another metric of {', '.join(ways)}"
            )
        better = task.higher_is_better().get(self._name, section.higher_is_better)
        if better != section.higher_is_better:
            raise TaskError(
                f"lm-eval says otherwise of '{self._name}': set "
                f"higher_is_better = {str(better).lower()}"
            )

    @property
    def unit(self) -> str:
        """Of the values."""
        if self._way is metrics.mean:
            return self._name
        return _UNITS.get(self._name, f"log2 {self._name}")

    @property
    def needs_greedy(self) -> bool:
        """Whether it may ask if a text is what greedy decoding writes."""
        asking = {"loglikelihood": "acc", "multiple_choice": "exact_match"}
        custom = self._task.config.process_results is not None
        return custom or asking.get(self._task.OUTPUT_TYPE) == self._name

    def values(self, documents: Sequence[Sequence[Any]]) -> tuple[float, ...]:
        """Scores of documents, each given by its instances with their answers.

        Raises:
            EvaluationError: A value is not finite.
            TaskError: The task's own code fails, or gives no such metric.
        """
        with explained(self._section):
            self._filter.apply(list(chain.from_iterable(documents)))
            found = [self._result(instances) for instances in documents]
            values = self._converted(found)
        if not all(map(math.isfinite, values)):
            raise EvaluationError(f"the model gives a document no finite {self._name}")
        return tuple(round(value, DECIMALS) for value in values)

    def _result(self, instances: Sequence[Any]) -> Any:  # noqa: ANN401
        answers = [one.filtered_resps[self._filter.name] for one in instances]
        results = self._task.process_results(instances[0].doc, answers)
        if self._name not in results:
            raise TaskError(
                f"a document has no '{self._name}', only {', '.join(results)}; set another metric"
            )
        return results[self._name]

    def _converted(self, found: Sequence[Any]) -> list[float]:
        if self._way is metrics.mean:
            return [float(value) for value in found]
        if self._way is metrics.perplexity:
            return [-float(logprob) / math.log(2) for logprob in found]
        share = len(found) / sum(units for _, units in found)
        return [-float(logprob) / math.log(2) * share for logprob, _ in found]


def _chosen(section: LmEval, what: str, wanted: str | None, known: list[str]) -> str:
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise TaskError(
            f"unknown {what} '{wanted}' of lm-eval's '{section.task}'; {nearest(wanted, known)}"
        )
    return wanted
