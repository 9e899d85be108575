"""Parents come first, each once, and weights go as soon as nobody needs them."""

from speciate.archive.index.rows import Kin, Row
from speciate.verify.order import Order, most_at_once


def row(name: str, *parents: str, digest: str | None = "d") -> Row:
    operator = "ties" if parents else "founder"
    kin = tuple(Kin(parent, "model") for parent in parents)
    more = {"proposer": "", "agent": None, "reviewer": None, "fitness": None, "error": None}
    plain = {"step": 0, "reason": "", "generation": 0, "children": 0, "values": {}}
    return Row(
        number=0,
        id=name,
        hash=name,
        operator=operator,
        name=None,
        source=None,
        digest=digest,
        parents=kin,
        **more,  # type: ignore[arg-type]
        **plain,  # type: ignore[arg-type]
    )


FAMILY = {
    one.id: one
    for one in (
        row("f"),
        row("a", "f"),
        row("b", "f", "a", "a"),
        row("c", "b", "a"),
        row("d", "b"),
        row("failed", "a", digest=None),
    )
}


def test_parents_come_first_and_founders_and_the_failed_are_left_out() -> None:
    assert [one.id for one in Order(["d", "failed", "c"], FAMILY).rows] == ["a", "b", "d", "c"]


def test_weights_go_when_the_last_who_needs_them_is_there() -> None:
    order = Order(["c", "d"], FAMILY)
    gone = []
    while one := order.take():
        gone.append((one.id, order.rebuilt(one.id)))
    assert gone == [("a", []), ("b", []), ("c", ["a", "c"]), ("d", ["b", "d"])]
    assert most_at_once(Order(["c", "d"], FAMILY)) == 3


def test_nobody_is_begun_before_the_parents_are_there() -> None:
    order = Order(["c", "d"], FAMILY)
    assert order.take() is not None
    assert order.take() is None
    order.rebuilt("a")
    assert [order.take().id, order.take()] == ["b", None]  # type: ignore[union-attr]


def test_who_descends_from_the_lost_is_blocked() -> None:
    order = Order(["c", "d"], FAMILY)
    order.take()
    order.rebuilt("a")
    order.take()
    assert order.failed("b") == ["a", "b"]
    assert order.blocked == {"c", "d"}


def test_all_below_the_lost_are_blocked() -> None:
    order = Order(["c", "d"], FAMILY)
    order.take()
    order.failed("a")
    assert order.blocked == {"b", "c", "d"}
    assert order.take() is None


def test_a_long_lineage() -> None:
    length = 5000
    line = {"0": row("0")}
    line |= {str(n): row(str(n), str(n - 1)) for n in range(1, length)}
    order = Order([str(length - 1)], line)
    assert len(order.rows) == length - 1
    assert most_at_once(order) == 2
