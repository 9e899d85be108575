"""Which jobs are begun again after they ended workers."""

from speciate.cluster.faults import Faults
from speciate.records import Individual, Recipe
from speciate.worker import Job

ONE, TWO, THREE = (Individual(Recipe("linear", (), {}, seed), None, 1, "test") for seed in range(3))


def test_one_individual_is_given_up_after_so_many_attempts() -> None:
    faults, job = Faults(3), Job((ONE,), {})
    assert [faults.again(job) for _ in range(3)] == [[job], [job], []]
    # Counted apart on each split.
    assert Faults(1).again(Job((ONE,), {}, "test")) == []


def test_of_several_each_gets_one_more_attempt_alone() -> None:
    faults, job = Faults(2), Job((ONE, TWO, THREE), {})
    assert faults.again(job) == [job]
    alone = faults.again(job)
    assert [one.litter for one in alone] == [(ONE,), (TWO,), (THREE,)]
    assert faults.again(alone[1]) == []
    assert faults.again(alone[0]) == []


def test_a_single_attempt_is_enough_to_find_the_one() -> None:
    faults = Faults(1)
    alone = faults.again(Job((ONE, TWO), {}))
    assert [one.litter for one in alone] == [(ONE,), (TWO,)]
    assert faults.again(alone[1]) == []
