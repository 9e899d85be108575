"""Section of random search."""

from typing import ClassVar, Literal

from speciate.configs.strategies.common import Windowed


class Random(Windowed):
    """Random merges of founders: what any search must beat at the same number of evaluations."""

    type: Literal["random"]
    paper: ClassVar[str] = "Bergstra and Bengio, JMLR 13, 2012"
