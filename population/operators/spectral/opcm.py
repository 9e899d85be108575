"""OPCM, orthogonal projection-based continual merging (Tang et al., 2025, arXiv 2501.09522)."""

import math

from torch import Tensor

from speciate.configs.operators.spectral import Opcm
from speciate.population.operators.operator import BASE_AND_MODELS, Genome, Grain, Locus, Operator
from speciate.population.operators.spectral.combine import onto_base
from speciate.population.operators.spectral.svd import is_matrix, svd
from speciate.population.operators.stages import dot, task_vectors, total
from speciate.population.structure import at


def prepare(genome: Genome, parameters: Opcm) -> float:
    """The factor that gives the sum of the projected task vectors the mean norm of the models.

    The paper rescales after each model; as neither singular vectors nor their shares depend on
    the scale, only the last factor counts. Norms are those of whole models, so all projections
    are worked out once here and once again for the child, instead of being held.
    """

    def squares(locus: Locus) -> list[float]:
        return [dot(t, t) for t in (_summed(locus, parameters), *task_vectors(locus))]

    whole, *norms = [math.sqrt(math.fsum(s)) for s in zip(*genome.map(squares), strict=True)]
    return math.fsum(norms) / len(norms) / whole if whole > 0 else 0.0


def _summed(locus: Locus, parameters: Opcm) -> Tensor:
    vectors = task_vectors(locus)
    if not is_matrix(locus, parameters.embeddings):
        return total(vectors)
    alpha = at(parameters.alpha, locus.place)
    merged = vectors[0].double()
    for vector in vectors[1:]:
        merged = merged + projected(vector.double(), merged, alpha)
    return merged


def projected(vector: Tensor, merged: Tensor, alpha: float) -> Tensor:
    """A matrix without its part along the singular vectors of what has been merged before.

    Of U'(vector)V are dropped the diagonal, and the block of the first singular vectors, whose
    values make up at most `alpha` of the sum of all.
    """
    left, values, right = svd(merged)
    sums = values.cumsum(0)
    protected = int((sums <= alpha * sums[-1:]).sum())
    inner = left.T @ vector @ right.T
    dropped = inner.diagonal().diag()
    dropped[:protected, :protected] = inner[:protected, :protected]
    return vector - left @ dropped @ right


def merge(locus: Locus, parameters: Opcm, factor: float) -> Tensor:
    """The base plus `scale` times the sum of the projected task vectors, of the mean norm."""
    return onto_base(locus, parameters, _summed(locus, parameters) * factor)


OPERATOR: Operator[Opcm, float] = Operator(
    "opcm",
    "spectral",
    BASE_AND_MODELS,
    Opcm,
    merge,
    grain=Grain.MATRIX,
    prepare=prepare,
    paper="arXiv 2501.09522",
)
