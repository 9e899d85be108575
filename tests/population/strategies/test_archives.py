"""Darwin-style sampling, power law, islands, novelty and mate choice: their rules by hand."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from speciate.configs.schema import Archipelago
from speciate.population.randomness import stream
from speciate.records import Individual, Proposal, Recipe

KINDS = ("darwin", "power_law", "archipelago", "novelty", "mate_choice")


def drawn(toy: Any, one: Any, state: Any, known: Any, draws: int = 400) -> Counter[str]:
    """How often each member is a first parent."""
    members = one.ranked(state.members, known)
    return Counter(
        one.parents(state, members, known, stream(0, "test", str(number)))[0]
        for number in range(draws)
    )


class TestDarwin:
    def test_weights_by_hand(self, toy: Any) -> None:
        half = toy.strategy("darwin", centre="half", sharpness=10)
        found = half.weighed([("a", 0.5), ("b", 0.6), ("c", 0.5)], Counter({"b": 1, "c": 3}))
        assert found == [("a", 0.5), ("b", pytest.approx(0.731059 / 2)), ("c", 0.125)]
        scaled = toy.strategy("darwin", sharpness=1)
        found = scaled.weighed([("a", 0.44), ("b", 0.42), ("c", 0.41)], Counter())
        # The median is 0.42, and the median of the distances 0.02, 0, 0.01 is 0.01.
        assert [weight for _, weight in found] == pytest.approx([0.8807971, 0.5, 0.2689414])

    def test_equal_fitness_is_drawn_alike(self, toy: Any) -> None:
        one = toy.strategy("darwin")
        states, known = toy.play(one, toy.by_name(lambda _: 0.3), steps=0)
        assert min(drawn(toy, one, states[0], known).values()) > 70

    def test_children_of_living_members_are_counted_once_each(self, toy: Any) -> None:
        one = toy.strategy("darwin", evaluations=40)
        states, known = toy.play(one, toy.random)
        counts: Counter[str] = Counter()
        for child in known.values():
            if child.step:
                counts.update({parent.id for parent in child.recipe.parents})
        last = states[-1]
        assert last.memory["children"] == {n: counts[n] for n in last.members if counts[n]}

    def test_children_under_way_count(self, toy: Any) -> None:
        one = toy.strategy("darwin", founding="founders")
        states, known = toy.play(one, toy.by_name(lambda _: 0.3), steps=0)
        recipe = Recipe("gaussian", (one.mutant(0, toy.ids[0]).parents[0],), {}, 1)
        waiting = states[0].asking([Proposal(n, recipe, "test") for n in range(9)])
        found = drawn(toy, one, waiting, known)
        assert found[toy.ids[0]] == pytest.approx(400 / 31, abs=12)


def test_power_law_by_hand(toy: Any) -> None:
    one = toy.strategy("power_law", alpha=2.0)
    states, known = toy.play(one, toy.random, steps=0)
    found = drawn(toy, one, states[0], known, 1000)
    total = 1 + 1 / 4 + 1 / 9 + 1 / 16
    for rank, name in enumerate(states[0].members, 1):
        assert found[name] / 1000 == pytest.approx(1 / rank**2 / total, abs=0.05)


class TestArchipelago:
    def test_children_stay_on_the_island_of_their_parents(self, toy: Any) -> None:
        one = toy.strategy("archipelago", interval=1000, patience=0)
        states, known = toy.play(one, toy.random)
        asked = [proposal for state in states for proposal in one.ask(state, known) or ()]
        at = {proposal.recipe.id: proposal.number % 3 for proposal in asked}
        for number, island in enumerate(states[-1].memory["islands"]):
            assert len(set(island)) == 4
            assert all(at.get(name, number) == number for name in island)
        later = [proposal for proposal in asked if proposal.reason != "founding"]
        for proposal in later:
            parents = {parent.id for parent in proposal.recipe.parents}
            assert all(at.get(name, proposal.number % 3) == proposal.number % 3 for name in parents)

    def test_the_best_migrate_in_a_ring(self, toy: Any) -> None:
        one = toy.strategy("archipelago", interval=9, patience=0, migrants=1)
        states, known = toy.play(one, toy.random)
        for before, after in pairwise(states):
            if after.memory["told"] % 9:
                continue
            # One child came to the island whose turn it was; its neighbours did not change.
            here = before.memory["told"] % 3
            sent = before.memory["islands"][(here + 1) % 3][0]
            target = after.memory["islands"][(here + 2) % 3]
            worse = known[target[-1]].fitness
            assert sent in target or known[sent].fitness <= worse

    def test_stale_islands_begin_again_but_the_best(self, toy: Any) -> None:
        """No child is better than the best founder, who is on all islands at first."""

        def falling(name: str) -> float:
            return 0.9 if name in toy.ids else toy.hashed(name) / 2

        one = toy.strategy("archipelago", population=6, patience=4, interval=99, evaluations=60)
        states, _ = toy.play(one, toy.by_name(falling))
        stale = [state.memory["stale"] for state in states]
        assert max(max(each) for each in stale) == 3
        sizes = [[len(set(island)) for island in state.memory["islands"]] for state in states]
        shrunk = [
            sum(late[number] < early[number] for early, late in pairwise(sizes))
            for number in range(3)
        ]
        assert shrunk[0] == 0
        assert min(shrunk[1:]) >= 2

    def test_a_stale_island_gets_the_founders_and_a_settler(self, toy: Any) -> None:
        one = toy.strategy("archipelago", population=5)
        _, known = toy.play(toy.strategy("random"), toy.random)
        children = sorted((n for n in known if n not in toy.ids), key=lambda n: known[n].fitness)
        worst, best = children[:5], children[-5:]
        (fresh, other) = one._respawned([worst, best], 0, 7, known)
        assert other == best
        assert set(fresh) > set(toy.ids)
        assert len(set(fresh) & set(best)) == 1
        assert one._respawned([worst, best], 1, 7, known) == [worst, best]

    def test_migrants_must_be_there(self) -> None:
        with pytest.raises(ValidationError, match="send fewer migrants"):
            Archipelago(type="archipelago", population=3, migrants=4)


class TestNovelty:
    rows = ((1.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    def known(self, toy: Any) -> dict[str, Individual]:
        founders = zip(toy.founders, self.rows, strict=True)
        found = [toy.individual(recipe, 0, {"one": row}) for recipe, row in founders]
        return {one.id: one for one in found}

    def test_distances_by_hand(self, toy: Any) -> None:
        one = toy.strategy("novelty", neighbours=2)
        third = 3**-0.5
        by_hand = [(0 + 1) / 2, (0 + 1) / 2, (1 + 1) / 2, (2**0.5 + 3**0.5) / 2]
        found = one.novelty(toy.ids, self.known(toy))
        assert found.tolist() == pytest.approx([third * each for each in by_hand])

    def test_of_copies_one_leaves_and_the_fittest_stays(self, toy: Any) -> None:
        known = self.known(toy)
        one = toy.strategy("novelty", population=3, neighbours=1, elite=1)
        pool = one.ranked(toy.ids, known)
        # The first two are alike: the better by rank is the elite.
        assert one.leaving([name for name, _ in pool][::-1], known) == pool[1][0]

    def test_members_grow_apart(self, toy: Any) -> None:
        one = toy.strategy("novelty", evaluations=120, sigma=0.1)
        states, known = toy.play(one, toy.landscape(True, one=(0.3, 0.3, 0.2, 0.2)))
        full = next(state for state in states if len(state.members) == 6)
        before, after = (one.novelty(s.members, known).mean() for s in (full, states[-1]))
        assert after > 1.2 * before


class TestMateChoice:
    def test_takes_whom_it_likes_most(self, toy: Any) -> None:
        a, b, c, d = toy.ids
        rows = {a: (0.9, 0.9), b: (0.5, 0.0), c: (0.0, 0.5), d: (0.2, 0.2)}
        found = [
            toy.individual(r, 0, {"one": rows[r.id][0], "two": rows[r.id][1]}) for r in toy.founders
        ]
        known = {one.id: one for one in found}
        one = toy.strategy("mate_choice", suitors=3, tournament=10)
        for taste, mate in (((1, 0), b), ((0, 1), c), ((-1, -1), d)):
            state = one.start(found)
            tastes = dict.fromkeys(toy.ids, taste)
            members = one.ranked(state.members, known)
            state = type(state)(members=state.members, memory={"tastes": tastes})
            assert tuple(one.parents(state, members, known, stream(0))) == (a, mate)

    def test_children_inherit_the_mean_taste(self, toy: Any) -> None:
        one = toy.strategy("mate_choice", drift=0.0)
        states, known = toy.play(one, toy.random)
        for before, after in pairwise(states):
            old, new = before.memory["tastes"], after.memory["tastes"]
            for name in new.keys() - old.keys():
                pair = [old[parent.id] for parent in known[name].recipe.parents]
                mean = [sum(each) / len(pair) for each in zip(*pair, strict=True)]
                assert new[name] == pytest.approx(mean)

    def test_tastes_of_the_dead_are_forgotten(self, toy: Any) -> None:
        states, _ = toy.play(toy.strategy("mate_choice", evaluations=60), toy.random)
        assert set(states[-1].memory["tastes"]) == {*states[-1].members, *toy.ids}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_change_nothing(toy: Any, kind: str) -> None:
    one, single = toy.strategy(kind, batch=4, lag=8), toy.strategy(kind, batch=1, lag=8)
    states, known = toy.play(one, toy.random)
    for before, after in pairwise(states):
        state = toy.asking(before, one.ask(before, known))
        for proposal in state.pending[: one.due(state)]:
            state = single.tell(state.told(1), [known[proposal.recipe.id]], known)
        assert (state.members, state.memory) == (after.members, after.memory)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_gets_better(toy: Any, kind: str, seed: int) -> None:
    one = toy.strategy(kind, seed, evaluations=150, sigma=0.05)
    target = (0.2, 0.5, 0.6, 0.1)
    _, known = toy.play(one, toy.landscape(one=target, two=target))
    best = max(known[name].fitness for name in toy.ids)
    assert max(child.fitness for child in known.values()) > best + 0.15
