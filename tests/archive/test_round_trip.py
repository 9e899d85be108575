"""Whatever the stages put into records comes back from git as it was."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from speciate.archive.archive import Archive
from speciate.records import Evaluation, Individual, Origin, Parent, Proposal, Recipe, Score, State

number = st.floats(-1e6, 1e6)
words = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | number | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
parameters = st.dictionaries(words, json_values, max_size=4)
scores = st.builds(
    lambda metric, rows, answered: Score(
        metric,
        tuple(value for value, _ in rows),
        tuple(answer for _, answer in rows) if answered else None,
    ),
    words,
    st.lists(st.tuples(number, words), min_size=1, max_size=5),
    st.booleans(),
)
evaluations = st.builds(
    Evaluation, st.floats(0, 1), st.dictionaries(words, scores, max_size=3), words
)
seeds = st.integers(0, 2**64 - 1)
recipes = st.builds(
    lambda words, values, seed: Recipe(words, (), values, seed), words, parameters, seeds
)
origins = st.builds(Origin, words, words, words, st.none() | number, st.none() | words)
individuals = st.builds(
    Individual,
    recipes,
    st.none() | st.just("d" * 64),
    st.just(0),
    words,
    words,
    st.none() | evaluations,
    st.none() | words,
    st.none() | origins,
)
families = st.lists(individuals, min_size=1, max_size=4, unique_by=lambda one: one.id)


@settings(max_examples=15, deadline=None)
@given(families, words, parameters, st.data())
def test_records_survive_git(
    founders: list[Individual], role: str, memory: dict[str, object], data: st.DataObject
) -> None:
    parents = data.draw(st.lists(st.sampled_from(founders), min_size=1))
    recipe = Recipe("child", tuple(Parent(parent.id, role) for parent in parents), {}, 1)
    born = [*founders, replace(founders[0], recipe=recipe)]
    pending = (Proposal(7, recipe, role, role, origin=data.draw(st.none() | origins)),)
    state = State(0, len(born), tuple(one.id for one in born), (), memory, pending, memory)
    with tempfile.TemporaryDirectory() as folder:
        with Archive.create(Path(folder) / "x", memory) as archive:
            archive.commit_step(state, born)
        read = Archive.open(Path(folder) / "x")
        assert list(read.individuals.values()) == born
        assert (read.state, read.config) == (state, memory)
        assert read.fsck() == []
