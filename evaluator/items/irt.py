"""Item response theory: how hard and how telling each item is, and how able each model.

Multidimensional two-parameter logistic model (Reckase, 2009): an answer is right with probability
P(y = 1) = sigmoid(alpha_i . theta - beta_i). Graded answers are fitted by the same likelihood, as
the mean of y (Papke and Wooldridge, 1996).

Discriminations lie around 1 in the first dimension and around 0 in the others, which sets the scale
of abilities. Were their mean free, abilities would shrink towards 0, which their prior likes best,
while the mean grows without end.

Large sums run through `einsum`, which calls no BLAS, and what does call it runs in one thread: so
their order, and with it the last bits of a result, does not depend on the number of threads.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from speciate.errors import ModelError, TaskError
from speciate.evaluator.items import Indices, Reals, checked

# Standard deviations of the normal priors; that of abilities is 1.
DISCRIMINATION_SPREAD = 0.1
DIFFICULTY_SPREAD = 2.0
# Mean variance of an answer, p (1 - p), on which the steps of the fit are scaled.
VARIANCE = 0.2
FEWEST_MODELS = 4
FEWEST_ITEMS = 10
ITERATIONS = 500
# Relative, of the loss. So small that abilities agree to some four digits wherever the fit ends, as
# processors, whose last bits differ, may end it a step apart.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class ItemModel:
    """Parameters of N items in D dimensions.

    Attributes:
        alpha: Discrimination, float64 of shape (N, D).
        beta: Difficulty, float64 of shape (N,).
    """

    alpha: Reals
    beta: Reals

    def __len__(self) -> int:
        """How many items."""
        return len(self.beta)

    def probabilities(self, theta: Reals) -> Reals:
        """Expected answers: abilities of shape (..., D) to float64 of shape (..., N)."""
        return np.asarray(expit(np.einsum("...d,nd->...n", theta, self.alpha) - self.beta))


@dataclass(frozen=True)
class Fit:
    """Items, and abilities of the M models that were fitted with them.

    Attributes:
        items: Of all items.
        theta: Float64 of shape (M, D), in the order of the models.
    """

    items: ItemModel
    theta: Reals


@dataclass(frozen=True)
class _Shape:
    """How the unknowns lie in one vector, each in a unit of its own.

    In these units the loss curves about alike along all unknowns, so that few steps reach its
    minimum. The last unknown is the mean difficulty, from which the items' are told.
    """

    models: int
    items: int
    dimensions: int
    spread: float

    @cached_property
    def units(self) -> Reals:
        """Standard deviations that the unknowns would have, were the others known."""
        m, n, d = self.models, self.items, self.dimensions
        curvatures = [
            (m * d, 1 + VARIANCE * n),
            (n * d, self.spread**-2 + VARIANCE * m),
            (n, DIFFICULTY_SPREAD**-2 + VARIANCE * m),
            (1, VARIANCE * m * n),
        ]
        return np.concatenate([np.full(count, curve**-0.5) for count, curve in curvatures])

    def split(self, x: Reals) -> tuple[Reals, Reals, Reals, float]:
        """Theta (M, D), deviations of alpha (N, D) and beta (N,) from their means, mean beta."""
        m, n, d = self.models, self.items, self.dimensions
        theta, alpha, beta, mean = np.split(x * self.units, np.cumsum([m * d, n * d, n], dtype=int))
        return theta.reshape(m, d), alpha.reshape(n, d), beta, float(mean[0])

    def slopes(self, alpha: Reals) -> Reals:
        """Discriminations from their deviations."""
        return np.asarray(alpha + np.eye(self.dimensions)[0])


def fit(
    answers: ArrayLike,
    dimensions: int,
    spread: float = DISCRIMINATION_SPREAD,
    iterations: int = ITERATIONS,
) -> Fit:
    """Fits items and models together, by penalised maximum likelihood (L-BFGS, no random numbers).

    Priors are normal: abilities around 0, an item's discrimination around 1 in the first dimension
    and 0 in others, its difficulty around the mean over the items, which is free. So with few
    models all items nearly share one discrimination.

    Args:
        answers: Shape (M, N), NaN where not asked.
        dimensions: D, below M.
        spread: Standard deviation of an item's discrimination; `tuning.tuned_fit` chooses it.
        iterations: At most.

    Raises:
        ModelError: There are too few models.
        TaskError: There are too few items, an item was asked of no model, or an answer is not in
            [0, 1].
    """
    known = checked(answers, 2)
    _check(known, dimensions)
    asked = ~np.isnan(known)
    shape = _Shape(known.shape[0], known.shape[1], dimensions, spread)
    with threadpool_limits(1):
        found = minimize(
            _loss,
            _start(known, asked, shape),
            args=(shape, np.where(asked, known, 0.0), asked.astype(np.float64)),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": TOLERANCE},
        )
    theta, alpha, beta, mean = shape.split(found.x)
    return Fit(ItemModel(shape.slopes(alpha), beta + mean), theta)


def ability(items: ItemModel, asked: Indices, answers: ArrayLike) -> Reals:
    """Ability of a model that was not in the fit; prior N(0, 1) in every dimension.

    Args:
        items: Fitted.
        asked: Numbers of the items that were asked, shape (n,).
        answers: To these items, shape (n,).

    Returns:
        Float64 of shape (D,).

    Raises:
        TaskError: Nothing was asked, or an answer is missing or not in [0, 1].
    """
    start = np.zeros(items.alpha.shape[1])
    return _logistic(items.alpha[asked], items.beta[asked], answers, start, 1.0)


def inherited(
    items: ItemModel,
    asked: Indices,
    answers: ArrayLike,
    parents: Reals,
    precision: float = 1.0,
) -> tuple[Reals, Reals]:
    """Ability of a merged model as a combination of its parents' (MERGE^3).

    theta = Sum_k lambda_k theta_k; only lambda is fitted (BFGS, from 1/K).

    Args:
        items: Fitted.
        asked: Numbers of the items that were asked, shape (n,).
        answers: To these items, shape (n,).
        parents: Abilities, fitted on all answers of each parent, shape (K, D).
        precision: Of a normal prior of lambda around 1/K. 0 is the published estimate, which runs
            off where few anchors are all answered as the parents foretell.

    Returns:
        Theta of shape (D,) and lambda of shape (K,).

    Raises:
        TaskError: Nothing was asked, or an answer is missing or not in [0, 1].
    """
    start = np.full(len(parents), 1 / len(parents))
    design = np.einsum("nd,kd->nk", items.alpha[asked], parents)
    shares = _logistic(design, items.beta[asked], answers, start, precision)
    return np.einsum("k,kd->d", shares, parents), shares


def _check(answers: Reals, dimensions: int) -> None:
    models, items = answers.shape
    if not 1 <= dimensions < models or models < FEWEST_MODELS:
        need = max(FEWEST_MODELS, dimensions + 1)
        raise ModelError(
            f"items: {models} models cannot tell {dimensions} dimensions of ability apart; "
            f"score {need} models or more on all items, or use fewer dimensions"
        )
    if items < FEWEST_ITEMS:
        raise TaskError(
            f"items: {items} are too few to fit; ask {FEWEST_ITEMS} or more, or score all of them"
        )
    if missing := int(np.isnan(answers).all(axis=0).sum()):
        raise TaskError(f"items: {missing} were asked of no model; leave them out of the fit")


def _start(answers: Reals, asked: Reals, shape: _Shape) -> Reals:
    """Abilities from principal components; all items discriminate alike, by the first one."""
    mean = np.nanmean(answers, axis=0)
    centred = np.where(asked, answers - mean, 0.0)
    _, vectors = np.linalg.eigh(np.einsum("mn,kn->mk", centred, centred))
    theta = vectors[:, ::-1][:, : shape.dimensions] * np.sqrt(len(answers))
    # The sign of an eigenvector is arbitrary: here abler models have larger values.
    along = np.einsum("md,m->d", theta, centred.sum(axis=1))
    theta = theta * np.where(along < 0, -1.0, 1.0)
    beta = -logit(np.clip(mean, 0.02, 0.98))
    deviations = np.zeros(shape.items * shape.dimensions)
    start = [theta.ravel(), deviations, beta - beta.mean(), [beta.mean()]]
    return np.asarray(np.concatenate(start) / shape.units)


def _loss(x: Reals, shape: _Shape, answers: Reals, asked: Reals) -> tuple[float, Reals]:
    """Negative log-posterior and its gradient."""
    theta, alpha, beta, mean = shape.split(x)
    slopes = shape.slopes(alpha)
    z = np.einsum("md,nd->mn", theta, slopes) - (beta + mean)
    residual = asked * (expit(z) - answers)
    precision, ease = shape.spread**-2, DIFFICULTY_SPREAD**-2
    loss = (asked * (np.logaddexp(0.0, z) - answers * z)).sum() + 0.5 * (
        (theta**2).sum() + precision * (alpha**2).sum() + ease * (beta**2).sum()
    )
    by_item = residual.sum(axis=0)
    gradient = [
        (np.einsum("mn,nd->md", residual, slopes) + theta).ravel(),
        (np.einsum("mn,md->nd", residual, theta) + precision * alpha).ravel(),
        ease * beta - by_item,
        [-by_item.sum()],
    ]
    return float(loss), np.concatenate(gradient) * shape.units


def _logistic(
    design: Reals, offset: Reals, answers: ArrayLike, start: Reals, precision: float
) -> Reals:
    """The w that makes sigmoid(design w - offset) fit `answers`; prior N(start, 1 / precision)."""
    known = checked(answers, 1)
    if not len(known) or np.isnan(known).any():
        raise TaskError("items: a model's answers are missing; ask it every anchor")

    def loss(w: Reals) -> tuple[float, Reals]:
        z = np.einsum("nk,k->n", design, w) - offset
        away = w - start
        value = (np.logaddexp(0.0, z) - known * z).sum() + 0.5 * precision * (away**2).sum()
        gradient = np.einsum("nk,n->k", design, expit(z) - known) + precision * away
        return float(value), gradient

    return np.asarray(minimize(loss, start, jac=True, method="BFGS").x)
