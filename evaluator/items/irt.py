"""Item response theory: how hard and how telling each item is, and how able each model.

Multidimensional two-parameter logistic model (Reckase, 2009): an answer is right with probability
P(y = 1) = sigmoid(alpha_i . theta - beta_i). Graded answers are fitted by the same likelihood, as
the mean of y (Papke and Wooldridge, 1996).

Large sums run through `einsum`, which calls no BLAS, so that their order, and with it the last bits
of a result, does not depend on the number of threads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit, logit

from speciate.errors import ModelError, TaskError
from speciate.evaluator.items import Indices, Reals, checked

# Standard deviations of the normal priors. That of abilities is 1, which sets the scale.
DISCRIMINATION_SPREAD = 0.1
DIFFICULTY_SPREAD = 2.0
FEWEST_MODELS = 4
FEWEST_ITEMS = 10
ITERATIONS = 500


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
    """How the unknowns lie in one vector; item parameters are told as deviations from a mean."""

    models: int
    items: int
    dimensions: int

    def split(self, x: Reals) -> tuple[Reals, Reals, Reals, Reals, Reals]:
        """Theta (M, D), deviations of alpha (N, D) and beta (N,), means (D,) and (1,)."""
        m, n, d = self.models, self.items, self.dimensions
        theta, alpha, beta, alpha_mean, beta_mean = np.split(
            x, np.cumsum([m * d, n * d, n, d], dtype=int)
        )
        return theta.reshape(m, d), alpha.reshape(n, d), beta, alpha_mean, beta_mean


def fit(
    answers: ArrayLike,
    dimensions: int,
    spread: float = DISCRIMINATION_SPREAD,
    iterations: int = ITERATIONS,
) -> Fit:
    """Fits items and models together, by penalised maximum likelihood (L-BFGS, no random numbers).

    Priors are normal: abilities around 0, an item's discrimination and difficulty around their
    means over the items, which are free. So with few models all items nearly share one.

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
    start = _start(known, asked, dimensions)
    shape = _Shape(known.shape[0], known.shape[1], dimensions)
    found = minimize(
        _loss,
        start,
        args=(shape, np.where(asked, known, 0.0), asked.astype(np.float64), spread),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations},
    )
    theta, alpha, beta, alpha_mean, beta_mean = shape.split(found.x)
    return Fit(ItemModel(alpha + alpha_mean, beta + beta_mean), theta)


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


def _start(answers: Reals, asked: Reals, dimensions: int) -> Reals:
    """Abilities from principal components; all items discriminate alike, by the first one."""
    mean = np.nanmean(answers, axis=0)
    centred = np.where(asked, answers - mean, 0.0)
    _, vectors = np.linalg.eigh(np.einsum("mn,kn->mk", centred, centred))
    theta = vectors[:, ::-1][:, :dimensions] * np.sqrt(len(answers))
    # The sign of an eigenvector is arbitrary: here abler models have larger values.
    along = np.einsum("md,m->d", theta, centred.sum(axis=1))
    theta = theta * np.where(along < 0, -1.0, 1.0)
    beta = -logit(np.clip(mean, 0.02, 0.98))
    alpha_mean = np.eye(dimensions)[0]
    deviations = np.zeros(answers.shape[1] * dimensions)
    return np.concatenate(
        [theta.ravel(), deviations, beta - beta.mean(), alpha_mean, [beta.mean()]]
    )


def _loss(
    x: Reals, shape: _Shape, answers: Reals, asked: Reals, spread: float
) -> tuple[float, Reals]:
    """Negative log-posterior and its gradient."""
    theta, alpha, beta, alpha_mean, beta_mean = shape.split(x)
    slopes = alpha + alpha_mean
    z = np.einsum("md,nd->mn", theta, slopes) - (beta + beta_mean)
    residual = asked * (expit(z) - answers)
    loss = (asked * (np.logaddexp(0.0, z) - answers * z)).sum() + 0.5 * (
        (theta**2).sum() + (alpha**2).sum() / spread**2 + (beta**2).sum() / DIFFICULTY_SPREAD**2
    )
    by_slope = np.einsum("mn,md->nd", residual, theta)
    by_item = residual.sum(axis=0)
    gradient = [
        (np.einsum("mn,nd->md", residual, slopes) + theta).ravel(),
        (by_slope + alpha / spread**2).ravel(),
        beta / DIFFICULTY_SPREAD**2 - by_item,
        by_slope.sum(axis=0),
        [-by_item.sum()],
    ]
    return float(loss), np.concatenate(gradient)


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
