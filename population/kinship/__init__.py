"""Kinship: how alike individuals are in what they changed, all weights taken together.

After Hu et al., "Exploring Model Kinship for Merging Large Language Models" (2024).
"""

from collections.abc import Callable, Mapping, Sequence

from speciate.population.kinship.moments import MEASURES, Kinship, Moments, Part, Reals
from speciate.records import Individual

__all__ = ["MEASURES", "Kin", "Kinship", "Moments", "Part", "Reals"]

Kin = Callable[[Sequence[str], Mapping[str, Individual]], Kinship]
"""Tells how akin individuals are, given their ids and everyone known: a function of weights."""
