"""Item response theory: what is found again of known items and models, and what is refused."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit
from scipy.stats import spearmanr

from speciate.errors import ModelError, TaskError
from speciate.evaluator.items import irt
from speciate.evaluator.items.irt import ItemModel, ability, fit, inherited


def test_probabilities_are_the_equation() -> None:
    items = ItemModel(np.array([[1.0, 2.0], [0.5, 0.0]]), np.array([1.0, -1.0]))
    expected = [expit(1 * 0.3 + 2 * 0.4 - 1), expit(0.5 * 0.3 + 1)]
    assert items.probabilities(np.array([0.3, 0.4])) == pytest.approx(expected)
    assert items.probabilities(np.zeros((5, 2))).shape == (5, 2)


def test_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(3)
    answers, asked = rng.uniform(size=(5, 7)), (rng.uniform(size=(5, 7)) < 0.8).astype(float)
    shape = irt._Shape(5, 7, 2, 0.4)
    x = rng.normal(size=5 * 2 + 7 * 2 + 7 + 1)

    def loss(x: Any) -> float:
        return irt._loss(x, shape, answers, asked)[0]

    assert check_grad(loss, lambda x: irt._loss(x, shape, answers, asked)[1], x) < 1e-4


def test_known_answers_are_found_again(population: Any) -> None:
    truth = population.items.probabilities(population.theta)
    found = population.fitted.items.probabilities(population.fitted.theta)
    assert np.abs(found - truth).mean() < 0.09
    assert spearmanr(found.mean(axis=1), truth.mean(axis=1)).statistic > 0.98
    difficulty = spearmanr(population.fitted.items.beta, population.items.beta)
    assert difficulty.statistic > 0.85


def test_abilities_are_found_on_their_scale() -> None:
    rng = np.random.default_rng(6)
    theta = rng.normal(0, 1, 40)
    p = expit(theta[:, None] - rng.normal(0, 1, 300))
    found = fit((rng.uniform(size=p.shape) < p).astype(float), 1)
    slope, intercept = np.polyfit(theta, found.theta[:, 0] - found.theta.mean(), 1)
    assert slope == pytest.approx(1, abs=0.1)
    assert intercept == pytest.approx(-theta.mean(), abs=0.1)
    assert found.items.alpha.mean() == pytest.approx(1, abs=0.05)


def test_last_bits_of_a_processor_make_no_other_fit(population: Any, monkeypatch: Any) -> None:
    """Sums in another order differ by some 1e-13; so little must not grow on the way."""
    exact, rng = irt._loss, np.random.default_rng(8)

    def rough(*args: Any) -> tuple[float, Any]:
        loss, gradient = exact(*args)
        return loss * (1 + 1e-13 * rng.normal()), gradient + 1e-11 * rng.normal(size=gradient.shape)

    monkeypatch.setattr(irt, "_loss", rough)
    again = fit(population.answers, 2)
    assert again.theta == pytest.approx(population.fitted.theta, abs=1e-3)


def test_graded_answers_are_fitted_like_right_and_wrong_ones(population: Any) -> None:
    graded = population.items.probabilities(population.theta)
    known = fit(graded, 2, spread=0.5)
    assert np.abs(known.items.probabilities(known.theta) - graded).mean() < 0.03


def test_what_was_not_asked_is_foretold(population: Any) -> None:
    rng = np.random.default_rng(4)
    hidden = rng.uniform(size=population.answers.shape) < 0.3
    known = fit(np.where(hidden, np.nan, population.answers), 2)
    found = known.items.probabilities(known.theta)
    truth = population.items.probabilities(population.theta)
    by_item = np.broadcast_to(truth.mean(axis=0), truth.shape)
    assert np.abs(found - truth)[hidden].mean() < 0.6 * np.abs(by_item - truth)[hidden].mean()


def test_few_models_nearly_share_one_discrimination() -> None:
    answers = (np.random.default_rng(5).uniform(size=(4, 50)) < 0.5).astype(float)
    slopes = fit(answers, 1).items.alpha
    assert np.all(np.isfinite(slopes))
    assert np.ptp(slopes) < 0.2


def test_items_that_all_or_none_get_right_stay_finite(population: Any) -> None:
    answers = population.answers.copy()
    answers[:, 0], answers[:, 1] = 1.0, 0.0
    known = fit(answers, 2)
    p = known.items.probabilities(known.theta)[:, :2].mean(axis=0)
    assert p[0] > 0.9
    assert p[1] < 0.1


def test_ability_of_a_new_model_is_that_of_the_fit(population: Any) -> None:
    everything = np.arange(300)
    found = ability(population.fitted.items, everything, population.answers[7])
    assert found == pytest.approx(population.fitted.theta[7], abs=1e-3)


def test_children_are_combinations_of_their_parents(population: Any) -> None:
    asked = np.arange(0, 300, 3)
    parents = population.fitted.theta[:2]
    for answers in population.children:
        theta, shares = inherited(population.fitted.items, asked, answers[asked], parents)
        assert theta == pytest.approx(shares @ parents)
        expected = population.fitted.items.probabilities(theta).mean()
        assert expected == pytest.approx(answers.mean(), abs=0.12)


def test_without_a_prior_shares_are_those_of_the_paper(population: Any) -> None:
    """One parent: lambda makes the sum of residuals times the parent's slope vanish."""
    asked, answers = np.arange(300), population.children[0]
    parents = population.fitted.theta[:1]
    items = population.fitted.items
    theta, _ = inherited(items, asked, answers, parents, precision=0.0)
    slope = items.alpha @ parents[0]
    assert slope @ (items.probabilities(theta) - answers) == pytest.approx(0, abs=1e-3)


def test_a_fit_does_not_depend_on_threads() -> None:
    code = (
        "import numpy as np, hashlib; from speciate.evaluator.items.irt import fit\n"
        "from speciate.evaluator.items.anchors import *\n"
        "class Stream:\n"
        "    uniform = staticmethod(np.random.default_rng(0).random)\n"
        "    shuffle = staticmethod(list)\n"
        "p = np.linspace(0.1, 0.8, 40)[:, None] + np.linspace(0, 0.2, 400)\n"
        "y = (np.random.default_rng(0).uniform(size=(40, 400)) < p).astype(float)\n"
        "k = fit(y, 3, iterations=30)\n"
        "a = clustered_anchors(correctness_features(y), 40, Stream())\n"
        "b = clustered_anchors(item_features(k.items), 40, Stream())\n"
        "parts = [k.theta, k.items.alpha, k.items.beta, a.items, b.items, b.weights]\n"
        "print(hashlib.sha256(b''.join(x.tobytes() for x in parts)).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n},
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for n in ("1", "2")
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("shape", "dimensions", "error", "said"),
    [
        ((3, 50), 1, ModelError, "3 models cannot tell 1 dimensions"),
        ((8, 50), 8, ModelError, "score 9 models"),
        ((8, 50), 0, ModelError, "0 dimensions"),
        ((8, 9), 1, TaskError, "9 are too few"),
    ],
)
def test_too_little_is_told(shape: Any, dimensions: int, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        fit(np.full(shape, 0.5), dimensions)


def test_an_item_that_nobody_was_asked_is_told() -> None:
    answers = np.full((8, 20), 0.5)
    answers[:, 3] = np.nan
    with pytest.raises(TaskError, match="1 were asked of no model"):
        fit(answers, 1)


def test_missing_answers_have_no_ability(population: Any) -> None:
    for answers in ([], [np.nan, 1.0]):
        with pytest.raises(TaskError, match="missing"):
            ability(population.fitted.items, np.arange(len(answers)), answers)
