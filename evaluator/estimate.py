"""Estimates while a campaign runs: who is poor on a few items is not asked the others.

A candidate answers the anchors first. If its fitness, so estimated, is below its bar by more than
estimates are off, it is turned away; otherwise all its other items are asked, and what is recorded
is exact.
"""

from dataclasses import dataclass

from speciate.errors import RejectedError
from speciate.evaluator.asked import Ask
from speciate.evaluator.items import Reals
from speciate.evaluator.items.predictor import Predictor
from speciate.records import Score

MARK = "estimate: "


@dataclass(frozen=True)
class Estimate:
    """What a candidate must show on the anchors.

    Attributes:
        predictor: Fitted to models whose answers are all known.
        parents: Abilities of the candidate's, shape (K, D).
        bar: Id of the individual that it must reach.
        reach: That one's fitness.
        margin: By how much the fitness may lie above the estimate.
    """

    predictor: Predictor
    parents: Reals
    bar: str
    reach: float
    margin: float

    def check(self, ask: Ask) -> None:
        """Asks the anchors.

        Args:
            ask: Scores some items of a task, in the order given.

        Raises:
            RejectedError: The candidate is too far below the bar.
        """
        anchors = self.predictor.anchors
        found = {task: ask(task, one.items.tolist()).items for task, one in anchors.items()}
        seen = self.predictor.pool.joined(found)
        # No figure of the estimate: its last digits may differ between kinds of machines.
        if self.predictor.estimate(seen, self.parents) + self.margin < self.reach:
            raise RejectedError(
                f"{MARK}by {len(seen)} of {len(self.predictor.pool)} items "
                f"it cannot reach {self.bar[:10]}"
            )

    def rest(self, ask: Ask) -> dict[str, Score]:
        """The scores of all items of the tasks that have weight."""
        return {task: ask(task, range(size)) for task, size in self.predictor.pool.sizes.items()}
