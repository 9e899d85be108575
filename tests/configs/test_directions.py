"""What is said of kinds without importing them is what they say themselves."""

from speciate.configs.directions import higher_is_better
from speciate.evaluator.tasks import KINDS


def test_directions_are_those_of_the_kinds() -> None:
    told = {kind: higher_is_better({"kind": kind}) for kind in KINDS}
    assert told == {kind: one.higher_is_better for kind, one in KINDS.items()}


def test_what_is_archived_comes_first() -> None:
    assert not higher_is_better({"kind": "lm_eval", "higher_is_better": False})
    assert higher_is_better({"kind": "plugin", "higher_is_better": True})
