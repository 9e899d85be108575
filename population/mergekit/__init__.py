"""Merge configs of mergekit, read as recipes and written from them; needs neither it nor torch."""

from speciate.population.mergekit.read import read_mergekit
from speciate.population.mergekit.translation import ParentFolder, Translation
from speciate.population.mergekit.write import write_mergekit

__all__ = ["ParentFolder", "Translation", "read_mergekit", "write_mergekit"]
