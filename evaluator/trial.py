"""What a candidate on trial is up against before it is scored in full."""

from collections.abc import Mapping
from dataclasses import dataclass

from speciate.configs import schema
from speciate.errors import ConfigError
from speciate.evaluator.estimate import Estimate
from speciate.evaluator.items.irt import FEWEST_ITEMS
from speciate.evaluator.race import Bar
from speciate.evaluator.split import Split
from speciate.evaluator.tasks import Partial, kind_of


@dataclass(frozen=True)
class Trial:
    """Says of a candidate that it may be turned away before it is scored in full.

    Attributes:
        bar: Whom it must reach in a race; None if it may be worse than anybody.
        estimate: What it must show before; None if nothing.
    """

    bar: Bar | None = None
    estimate: Estimate | None = None


def check_partial(config: schema.Campaign, splits: Mapping[str, Split]) -> None:
    """Before anything is started: whether a campaign's tasks can be scored in part, if asked to be.

    Raises:
        ConfigError: One cannot, or there are too few items to estimate anything.
    """
    weighted = [task for task in config.tasks if task.weight > 0]
    for section, verb in (("race", "race"), ("estimate", "be estimated")):
        for task in weighted if getattr(config, section) else ():
            if not issubclass(kind_of(task), Partial):
                raise ConfigError(
                    f"task '{task.name}' cannot {verb}: {task.kind} gives items no values between "
                    f"0 and 1 whose mean is the fitness; leave out strategy.{section}, or set the "
                    "task's weight = 0"
                )
    items = sum(len(splits[task.name].items) for task in weighted)
    if config.estimate and items < FEWEST_ITEMS:
        raise ConfigError(
            f"strategy.estimate: {items} search items are too few to fit; "
            f"give {FEWEST_ITEMS} or more, or leave it out"
        )
