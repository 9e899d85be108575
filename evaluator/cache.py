"""What was measured once is not measured again: scores on disk by what they depend on."""

import json
from pathlib import Path

from speciate.files import write_whole
from speciate.records import Score, canonical_json, digest_of


class EvaluationCache:
    """Scores keyed by (weights digest, split digest, engine fingerprint).

    Weights that moved have another digest, so a stale score cannot be found.
    """

    def __init__(self, folder: Path) -> None:
        """Uses `folder`, made when first written to."""
        self._folder = folder

    def get(self, weights: str, split: str, fingerprint: str) -> Score | None:
        """The score, or None if it was not measured or its file cannot be read."""
        try:
            return Score.from_json(json.loads(self._file(weights, split, fingerprint).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, weights: str, split: str, fingerprint: str, score: Score) -> None:
        """Writes the score whole or not at all."""
        write_whole(self._file(weights, split, fingerprint), canonical_json(score.to_json()))

    def _file(self, weights: str, split: str, fingerprint: str) -> Path:
        key = digest_of([weights, split, fingerprint])
        return self._folder / key[:2] / f"{key}.json"
