"""Merging in data-flow space: a path through the blocks of all models.

Akiba et al., "Evolutionary optimization of model merging recipes", 2024, arXiv 2403.13187. There a
scale multiplies the hidden state h on its way into a block. In a model whose blocks add to h what
they read through a norm that undoes any factor, c h + f(c h) = c (h + f(h) / c): so instead of h,
what each block writes is divided by the product of all scales so far, and the final norm removes
that product. The child is an ordinary checkpoint, equal but for the epsilon of the norms.
"""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from speciate.configs.operators.structure import DataFlow, Piece, PieceParent
from speciate.errors import ConfigError
from speciate.population.operators.operator import SOME, Model, Structural
from speciate.population.operators.structure.residual import written_times


def pieces(parameters: DataFlow, models: Sequence[Model]) -> Sequence[Piece]:
    """One block each, whose writing to the residual stream is divided by the scales so far.

    Raises:
        ConfigError: There is not one scale a step, or a step names no model.
        ModelError: Scales are given for models that they cannot be folded into.
    """
    scales = parameters.scales or (1.0,) * len(parameters.path)
    if len(scales) != len(parameters.path):
        raise ConfigError(f"scales: {len(scales)} given for {len(parameters.path)} steps")
    if any(model >= len(models) for model, _ in parameters.path):
        raise ConfigError(f"path: names a model that is not there; there are {len(models)}")
    return [
        Piece(
            parents=(PieceParent(parent=model, layers=(layer, layer)),),
            parameters=written_times(1 / product, models[model]),
        )
        for (model, layer), product in zip(parameters.path, accumulate(scales, mul), strict=True)
    ]


OPERATOR = Structural(
    "data_flow", "structure", {"model": SOME}, DataFlow, pieces, paper="arXiv 2403.13187"
)
