"""Task kinds: items in, one score per item out. One kind a file; `KINDS` names them all.

Kinds of other packages come in by `kind_of`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from speciate.configs import schema
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks.code import Code
from speciate.evaluator.tasks.exact_match import ExactMatch
from speciate.evaluator.tasks.judge import Judge
from speciate.evaluator.tasks.likelihood import Likelihood
from speciate.evaluator.tasks.lm_eval import LmEval, directed
from speciate.evaluator.tasks.multiple_choice import MultipleChoice
from speciate.evaluator.tasks.perplexity import Perplexity
from speciate.evaluator.tasks.plugin import load
from speciate.records import Score


class Kind(Protocol):
    """One split of one task, tokenised and ready for any model.

    Attributes:
        metric: Unit of the score.
        higher_is_better: Direction of the metric.
        lengths: Tokens that each item needs at most in the engine, prompt and answer together.
    """

    metric: str
    higher_is_better: bool
    lengths: Sequence[int]

    def score(self, engine: Engine) -> Score:
        """The score of the engine's present model."""

    @property
    def fitness(self) -> Callable[[float], float]:
        """From a mean score to fitness in [0, 1], higher is better; a static method."""


@runtime_checkable
class Partial(Protocol):
    """A kind of values in [0, 1] whose mean is the fitness, so that some items can be scored."""

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """The score of the engine's present model on some items, in the order given.

        Args:
            engine: With the model loaded.
            items: Numbers of different items in the task file, from 0 on; at least one.
        """


@runtime_checkable
class Probing(Protocol):
    """A kind that shows what it asks, so that models can be screened with it."""

    @property
    def probes(self) -> Sequence[Tokens]:
        """One sequence an item that a healthy model can read, and go on with."""


@runtime_checkable
class Answering(Protocol):
    """A kind whose scores hold answers, so that models can vote."""

    def right(self, index: int, answer: str) -> bool:
        """Whether `answer` is right for the item at `index`."""


KINDS: dict[str, Any] = {
    "likelihood": Likelihood,
    "perplexity": Perplexity,
    "multiple_choice": MultipleChoice,
    "exact_match": ExactMatch,
    "code": Code,
    "judge": Judge,
    "lm_eval": LmEval,
}


def kind_of(task: schema.Task) -> Any:  # noqa: ANN401
    """The class that scores a task; a plugin's is imported.

    Raises:
        TaskError: The plugin cannot be imported, or is no kind.
    """
    if task.kind == "lm_eval":
        return directed(task)
    return load(task) if isinstance(task, schema.Plugin) else KINDS[task.kind]
