"""What was spent on replies, held against a budget."""

from collections.abc import Iterator
from contextlib import contextmanager

from speciate.chat import Usage
from speciate.configs.chat import Budget, Prices
from speciate.errors import BudgetError

_MILLION = 1_000_000


def cost(usage: Usage, prices: Prices) -> float:
    """Of one reply."""
    return (usage.input * prices.input + usage.output * prices.output) / _MILLION


class Account:
    """Counts replies; several endpoints may share it.

    Attributes:
        calls: Replies received.
        tokens: Of requests and replies.
        cost: In the currency of the prices.
    """

    def __init__(self, budget: Budget, calls: int = 0, tokens: int = 0, cost: float = 0.0) -> None:
        """Starts from what was spent before."""
        self._budget = budget
        self.calls, self.tokens, self.cost = calls, tokens, cost
        self._under_way = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        """While one request is under way; it is expected to cost what others did on average.

        Raises:
            BudgetError: With those under way, the budget is spent.
        """
        self._check()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def add(self, usage: Usage, prices: Prices) -> None:
        """Counts a reply that was received."""
        self.calls += 1
        self.tokens += usage.input + usage.output
        self.cost += cost(usage, prices)

    def _check(self) -> None:
        expected = 1 + self._under_way / max(1, self.calls)
        limits = {
            "calls": (self._budget.calls, self.calls + self._under_way),
            "tokens": (self._budget.tokens, self.tokens * expected),
            "cost": (self._budget.cost, self.cost * expected),
        }
        for name, (limit, spent) in limits.items():
            if limit is not None and spent >= limit:
                raise BudgetError(
                    f"the budget of {limit:g} {name} for language models is spent; "
                    f"raise budget.{name} and run again"
                )
