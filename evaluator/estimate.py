"""Estimates while a campaign runs: who is poor on a few items is not asked the others.

A candidate answers some anchors first. If its fitness, so estimated, is below its bar by more than
estimates are off, it is turned away; otherwise it answers more of them, and in the end all items.
So what is recorded is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from speciate.errors import RejectedError
from speciate.evaluator.asked import Ask
from speciate.evaluator.items import Reals
from speciate.evaluator.items.predictor import Predictor
from speciate.records import Score

MARK = "estimate: "
# Who is level with the bar passes, whatever the last digits of a sum.
SLACK = 1e-9


@dataclass(frozen=True)
class Look:
    """One estimate.

    Attributes:
        predictor: Fitted to models whose answers are all known.
        margin: By how much the fitness may lie above the estimate.
    """

    predictor: Predictor
    margin: float


@dataclass(frozen=True)
class Estimate:
    """What a candidate must show on the anchors.

    Attributes:
        looks: One after the other, from fewer items to more; at least one.
        parents: Abilities of the candidate's, shape (K, D).
        bar: Id of the individual that it must reach.
        reach: That one's fitness.
    """

    looks: Sequence[Look]
    parents: Reals
    bar: str
    reach: float

    def check(self, ask: Ask) -> None:
        """Asks the anchors.

        Args:
            ask: Scores some items of a task, in the order given.

        Raises:
            RejectedError: The candidate is too far below the bar.
        """
        for look in self.looks:
            one = look.predictor
            found = {task: ask(task, of.items.tolist()).items for task, of in one.anchors.items()}
            seen = one.pool.joined(found)
            if one.estimate(seen, self.parents) + look.margin < self.reach - SLACK:
                # No figure of the estimate: its last digits may differ between machines.
                raise RejectedError(
                    f"{MARK}by {len(seen)} of {len(one.pool)} items it cannot reach {self.bar[:10]}"
                )

    def rest(self, ask: Ask) -> dict[str, Score]:
        """The scores of all items of the tasks that have weight."""
        sizes = self.looks[0].predictor.pool.sizes
        return {task: ask(task, range(size)) for task, size in sizes.items()}
