"""Majority votes of several models (the ensemble of GENOME)."""

from collections import Counter
from collections.abc import Sequence

Answers = Sequence[str]


def majority(voters: Sequence[Answers]) -> list[str]:
    """The most frequent answer to each item; of equals, the one given by the earliest voter.

    Args:
        voters: Best first; each one's answers to the same items.
    """
    return [Counter(votes).most_common(1)[0][0] for votes in zip(*voters, strict=True)]
