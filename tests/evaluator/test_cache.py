"""The cache gives back what was put in under the same key, and nothing else."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from speciate.evaluator.cache import EvaluationCache
from speciate.records import Score

SCORE = Score("accuracy", (1.0, 0.0), ("a", "b"))


def test_found_again_by_the_whole_key_only(tmp_path: Path) -> None:
    cache = EvaluationCache(tmp_path / "new")
    assert cache.get("w", "s", "e") is None
    cache.put("w", "s", "e", SCORE)
    assert cache.get("w", "s", "e") == SCORE
    assert cache.get("w2", "s", "e") is None
    assert cache.get("w", "s2", "e") is None
    assert cache.get("w", "s", "e2") is None


def test_a_damaged_file_is_no_score(tmp_path: Path) -> None:
    cache = EvaluationCache(tmp_path)
    cache.put("w", "s", "e", SCORE)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(file.read_text()[:-5])
    assert cache.get("w", "s", "e") is None
    cache.put("w", "s", "e", SCORE)
    assert cache.get("w", "s", "e") == SCORE
    assert list(tmp_path.rglob("*.json")) == [file]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_scores_round_trip_exactly(items: list[float]) -> None:
    score = Score("bits/char", tuple(items))
    assert Score.from_json(score.to_json()) == score
