"""Budgets stop the asking."""

from typing import Any

import pytest

from speciate.chat import Message, Request, Usage
from speciate.chat.account import Account, cost
from speciate.chat.batch import asked
from speciate.configs.chat import Budget, Prices
from speciate.errors import BudgetError, ReplyError

PRICES = {"input": 2.0, "output": 10.0}


def requests(count: int) -> list[Request]:
    return [Request((Message("user", str(number)),)) for number in range(count)]


def ask(chat: Any, count: int) -> list[Any]:
    return asked(chat, requests(count), chat.ask)


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"calls": 3}, "the budget of 3 calls for language models is spent; raise budget.calls"),
        ({"tokens": 330}, "the budget of 330 tokens"),
        ({"cost": 0.0009}, "the budget of 0.0009 cost"),
    ],
)
def test_a_spent_budget_stops(
    chat: Any, chat_server: Any, budget: dict[str, Any], told: str
) -> None:
    account = Account(Budget(**budget))
    one = chat(account, concurrency=1, prices=PRICES)
    with pytest.raises(BudgetError, match=told):
        ask(one, 5)
    assert len(chat_server.asked) == 3
    assert (account.calls, account.tokens) == (3, 330)
    assert account.cost == pytest.approx(3 * (100 * 2 + 10 * 10) / 1e6)


def test_what_was_paid_for_is_free_the_next_time(chat: Any, chat_server: Any) -> None:
    for done in (3, 6, 9):
        with pytest.raises(BudgetError):
            ask(chat(Account(Budget(calls=3))), 10)
        assert len(chat_server.asked) == done
    assert len(ask(chat(Account(Budget(calls=3))), 10)) == 10


def test_replies_under_way_are_expected_to_cost_the_mean() -> None:
    account = Account(Budget(tokens=1000), calls=4, tokens=400)
    with account.call(), account.call(), account.call(), account.call(), account.call():
        with account.call():
            pass
        account.add(Usage(80, 20), Prices())
        with pytest.raises(BudgetError), account.call():
            pass


def test_a_failed_request_costs_nothing(chat: Any, chat_server: Any, said: Any) -> None:
    answers = iter([said("no", 400), *["fine"] * 3])
    chat_server.rule = lambda body: next(answers)
    account = Account(Budget(calls=3))
    found = ask(chat(account, concurrency=1), 4)
    assert [isinstance(one, ReplyError) for one in found] == [True, False, False, False]
    assert account.calls == 3


def test_where_no_usage_is_told_tokens_are_estimated(
    chat: Any, chat_server: Any, said: Any
) -> None:
    chat_server.rule = lambda body: said("y" * 400, usage=None)
    account = Account(Budget())
    one = chat(account)
    asked(one, [Request((Message("user", "x" * 4000),))], one.ask)
    assert account.tokens == 1001 + 101


def test_cost_is_per_million() -> None:
    assert cost(Usage(1_000_000, 500_000), Prices(input=3, output=10)) == 8
