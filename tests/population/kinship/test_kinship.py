"""Kinship: by hand, against numpy and torch, and the same for any jobs, shards and company."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.adapters import AdaptedSource, Adapter
from speciate.population.frame import frame_like
from speciate.population.genome import Source
from speciate.population.kinship import MEASURES, Kinship, Moments
from speciate.population.kinship import models as of_models
from speciate.population.kinship.adapters import moments_of_adapters
from speciate.population.kinship.models import moments_of_models
from speciate.population.kinship.moments import WHOLE, whole
from speciate.population.safetensors_writer import Writer
from speciate.population.weights import Checkpoint

EXPERTS = ("library", "english", "headers", "unicode", "tests")
KINDS = ("library", "english", "headers")


class Memory:
    """A `Source` of tensors in memory."""

    label = "memory"

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.names = tuple(sorted(weights))
        self._weights = weights

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._weights[name].shape)

    def dtype(self, name: str) -> torch.dtype:
        return self._weights[name].dtype

    def read(self, name: str, start: int, stop: int) -> Tensor:
        return self._weights[name].reshape(-1)[start:stop]


def memory(**weights: Sequence[float]) -> Source:
    return Memory({name: torch.tensor(values) for name, values in weights.items()})


def moments(vectors: np.ndarray[Any, Any]) -> Moments:
    return Moments(vectors.shape[1], vectors.sum(axis=1), vectors @ vectors.T)


@pytest.fixture(scope="module")
def zoo_vectors(zoo: Path) -> np.ndarray[Any, Any]:
    """Task vectors of the zoo's experts, each laid end to end."""

    def flat(name: str) -> np.ndarray[Any, Any]:
        model = Checkpoint(zoo / "models" / name)
        return np.concatenate([model.tensor(n).double().numpy().ravel() for n in model.names])

    base = flat("base")
    return np.stack([flat(name) - base for name in EXPERTS])


@pytest.fixture(scope="module")
def experts(zoo: Path) -> list[Checkpoint]:
    return [Checkpoint(zoo / "models" / name) for name in EXPERTS]


@pytest.fixture(scope="module")
def base(zoo: Path) -> Checkpoint:
    return Checkpoint(zoo / "models" / "base")


def test_by_hand() -> None:
    models = [memory(w=[2.0, 1.0], v=[1.0]), memory(w=[1.0, 3.0], v=[1.0])]
    origin = memory(w=[1.0, 1.0], v=[1.0])
    found = moments_of_models(models, [origin], jobs=1)[WHOLE]
    # Task vectors, v first: (0, 1, 0) and (0, 0, 2).
    assert (found.count, found.sums.tolist()) == (3, [1, 2])
    assert found.products.tolist() == [[1, 0], [0, 4]]
    assert found.cosine[0, 1] == 0
    assert found.euclidean[0, 1] == pytest.approx(5**0.5)
    # Less their means: (-1, 2, -1) / 3 and (-2, -2, 4) / 3.
    assert found.pearson[0, 1] == pytest.approx(-0.5)


def test_without_a_base_vectors_start_from_the_mean_of_the_origins() -> None:
    models = [memory(w=[4.0, 0.0]), memory(w=[0.0, 2.0])]
    found = moments_of_models(models, models, jobs=1)[WHOLE]
    assert found.products.tolist() == [[5, -5], [-5, 5]]
    # The published code takes the absolute value.
    assert found.cosine.tolist() == [[1, -1], [-1, 1]]


def test_weights_as_they_are() -> None:
    models = [memory(w=[3.0, 4.0]), memory(w=[4.0, 3.0])]
    assert moments_of_models(models)[WHOLE].cosine[0, 1] == pytest.approx(24 / 25)


def test_only_what_all_share_counts() -> None:
    ours = Memory({"a": torch.ones(2), "b": torch.ones(2, 2), "n": torch.ones(2).long()})
    theirs = Memory({"a": torch.ones(2), "b": torch.ones(4), "n": torch.ones(2).long()})
    assert moments_of_models([ours, theirs])[WHOLE].count == 2
    with pytest.raises(ModelError, match="memory: shares no weights with the others"):
        moments_of_models([ours, memory(z=[1.0])])


def test_who_changed_nothing_is_akin_to_nobody() -> None:
    found = moments(np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.1, 0.1, 0.1]]))
    assert np.isnan(found.cosine[0]).all()
    # A constant change has no correlation either, but a direction.
    assert np.isnan(found.pearson[[0, 2]]).all()
    assert found.cosine[2, 2] == 1
    assert found.euclidean[0, 1] == pytest.approx(5**0.5)


def test_against_numpy_and_torch(
    experts: Any, base: Checkpoint, zoo_vectors: np.ndarray[Any, Any]
) -> None:
    found = moments_of_models(experts, [base], jobs=2)[WHOLE]
    assert found.count == zoo_vectors.shape[1]
    np.testing.assert_allclose(found.pearson, np.corrcoef(zoo_vectors), atol=1e-12)
    exact = torch.cdist(
        torch.from_numpy(zoo_vectors),
        torch.from_numpy(zoo_vectors),
        compute_mode="donot_use_mm_for_euclid_dist",
    )
    np.testing.assert_allclose(found.euclidean, exact.numpy(), atol=1e-9)
    units = zoo_vectors / np.linalg.norm(zoo_vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(found.cosine, units @ units.T, atol=1e-12)
    assert found.cosine.min() < -0.1


def same(one: Moments, two: Moments) -> None:
    assert one.count == two.count
    assert one.sums.tobytes() == two.sums.tobytes()
    assert one.products.tobytes() == two.products.tobytes()


@pytest.mark.parametrize("jobs", [2, 5])
def test_any_number_of_jobs_gives_the_same_bytes(
    experts: Any, base: Checkpoint, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Many blocks, whose order could matter.
    monkeypatch.setattr(of_models, "_ELEMENTS", 1 << 14)
    alone = moments_of_models(experts, [base], jobs=1)
    same(alone[WHOLE], moments_of_models(experts, [base], jobs=jobs)[WHOLE])


def test_shards_change_no_byte(experts: Any, base: Checkpoint, tmp_path: Path) -> None:
    sharded = []
    for number, model in enumerate(experts):
        frame, folder = frame_like(model), tmp_path / str(number)
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        with Writer(folder, list(frame.specs), 300_000) as writer:
            for name in model.names:
                writer.write(name, model.tensor(name))
            writer.digest()
        assert len(list(folder.glob("*.safetensors"))) > 3
        sharded.append(Checkpoint(folder))
    same(
        moments_of_models(experts, [base])[WHOLE],
        moments_of_models(sharded, [base])[WHOLE],
    )


def test_blocks_only_round(experts: Any, base: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_ = moments_of_models(experts, [base])[WHOLE]
    monkeypatch.setattr(of_models, "_LEAST", 1000)
    monkeypatch.setattr(of_models, "_ELEMENTS", 1)
    small = moments_of_models(experts, [base])[WHOLE]
    np.testing.assert_allclose(small.products, whole_.products, rtol=1e-12)


def test_many_models() -> None:
    rows = np.random.default_rng(0).normal(size=(150, 40)).astype(np.float32)
    found = moments_of_models([memory(w=row.tolist()) for row in rows])[WHOLE]
    np.testing.assert_allclose(found.pearson, np.corrcoef(rows.astype(np.float64)), atol=1e-12)
    np.testing.assert_array_equal(found.products, found.products.T)


def test_parts_sum_up(experts: Any, base: Checkpoint, zoo_vectors: np.ndarray[Any, Any]) -> None:
    parts = moments_of_models(experts, [base], by_part=True)
    blocks = {layer for layer, _ in parts if layer is not None}
    assert blocks == {0, 1, 2, 3}
    assert {kind for layer, kind in parts if layer is None} == {"embedding", "norm"}
    assert {kind for layer, kind in parts if layer == 2} == {"attention", "mlp", "norm"}
    np.testing.assert_allclose(whole(parts).pearson, np.corrcoef(zoo_vectors), atol=1e-12)


vectors = st.tuples(st.integers(1, 5), st.integers(2, 9)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e3, 1e3, width=32))
)


@settings(deadline=None)
@given(vectors, st.sampled_from(sorted(MEASURES)))
def test_every_measure(rows: np.ndarray[Any, Any], measure: str) -> None:
    found = MEASURES[measure](moments(rows))
    np.testing.assert_array_equal(found, found.T)
    own = np.diag(found)
    if measure == "euclidean":
        assert (own == 0).all()
        assert (found >= 0).all()
    else:
        assert (own[~np.isnan(own)] == 1).all()
        assert (np.abs(found[~np.isnan(found)]) <= 1).all()


@settings(deadline=None)
@given(vectors, st.randoms(use_true_random=False))
def test_any_order_and_any_company(rows: np.ndarray[Any, Any], random: Any) -> None:
    places = random.choices(range(len(rows)), k=len(rows) + 1)
    some = moments(rows).of(places)
    for measure in MEASURES:
        matrix = MEASURES[measure](moments(rows))
        np.testing.assert_array_equal(MEASURES[measure](some), matrix[np.ix_(places, places)])


def test_kinship_by_measure() -> None:
    found = Kinship(("a", "b"), moments(np.array([[1.0, 0.0], [0.0, 1.0]])))
    assert found.matrix()[0, 1] == -1
    assert found.matrix("cosine")[0, 1] == 0


def test_adapters_are_as_akin_as_the_models_that_they_make(
    adapters: Path, base: Checkpoint
) -> None:
    made = [Adapter(adapters / kind) for kind in KINDS]
    found = moments_of_adapters(made, by_part=True)
    updates = []
    for one in made:
        factors = [one.factors(module) for module in one.modules]
        updates.append(np.concatenate([f.delta().numpy().ravel() for f in factors if f]))
    exact = moments(np.stack(updates).astype(np.float64))
    assert whole(found).count == exact.count
    for measure in MEASURES:
        np.testing.assert_allclose(
            MEASURES[measure](whole(found)), MEASURES[measure](exact), atol=1e-6
        )
    assert {kind for _, kind in found} == {"attention", "mlp"}
    # Models have more weights, all of the others unchanged, and are stored as bfloat16.
    on_base = [AdaptedSource(base, one) for one in made]
    models = moments_of_models(on_base, [base])[WHOLE]
    np.testing.assert_allclose(models.cosine, whole(found).cosine, atol=0.05)


def test_any_number_of_jobs_gives_the_same_bytes_of_adapters(adapters: Path) -> None:
    made = [Adapter(adapters / kind) for kind in KINDS]
    same(moments_of_adapters(made, jobs=1)[WHOLE], moments_of_adapters(made, jobs=3)[WHOLE])


def test_a_module_that_an_adapter_leaves_alone(adapters: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = tmp_path / "less"
    folder.mkdir()
    config = (adapters / "english" / "adapter_config.json").read_text()
    (folder / "adapter_config.json").write_text(config)
    tensors = load_file(adapters / "english" / "adapter_model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "mlp" not in name}
    save_file(kept, folder / "adapter_model.safetensors")
    full, less = Adapter(adapters / "english"), Adapter(folder)
    found = moments_of_adapters([full, less], by_part=True)
    assert found[0, "mlp"].products[1].tolist() == [0, 0]
    assert found[0, "mlp"].products[0, 0] > 0
    assert found[0, "attention"].euclidean[0, 1] == 0
