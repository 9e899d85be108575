"""What was merged loads in the programs that will read it, whatever the architecture."""

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from speciate.configs.schema import Transformers
from speciate.errors import EvaluationError
from speciate.evaluator.hf import TransformersEngine
from speciate.population.breed import breed
from speciate.population.structure import module_kind
from speciate.population.weights import Checkpoint
from speciate.records import Parent, Recipe

Models = dict[str, Path]

# Roles, played by base, one and two in this order where there is a base, and parameters.
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("model model", {}),
    "slerp": ("model model", {"t": 0.3}),
    "task_arithmetic": ("base model model", {"scale": 0.7}),
    "ties": ("base model model", {"density": 0.4}),
    "dare_ties": ("base model model", {"density": 0.5}),
    "nuslerp": ("model model", {"weights": [0.3, 0.7]}),
    "karcher": ("base model model", {}),
    "della": ("base model model", {"density": 0.5}),
    "breadcrumbs": ("base model model", {"density": 0.6}),
    "iso_c": ("base model model", {}),
    "widen": ("base model model", {}),
}
# What the CPU build of vLLM that `pyproject.toml` pins starts on, and how far its log-probabilities
# in float32 may be from those of transformers.
SERVED = {
    "llama": 1e-4,
    "mistral": 1e-4,
    "qwen2": 1e-4,
    "qwen3": 1e-4,
    "gemma3": 1e-4,
    "phi3": 1e-4,
    "olmo2": 1e-4,
    "mixtral": 1e-4,
    "qwen3_moe": 1e-4,
    "gemma2": 1e-2,  # Its kernel rounds the tanh that caps attention; without the cap it is 2e-6.
}
SERVE = Path(__file__).with_name("serve.py")
EMBEDDED = Transformers(type="transformers")
# One is longer than the sliding windows.
PROMPTS = [[(7 * n * n + 13 * n) % 256 for n in range(length)] for length in (40, 9, 2)]


def merge(operator: str, models: Models, out: Path, **options: Any) -> Path:
    roles, parameters = RECIPES[operator]
    names = ("base", "one", "two")[-len(roles.split()) :]
    parents = tuple(Parent(n, role) for n, role in zip(names, roles.split(), strict=True))
    digest = breed(Recipe(operator, parents, parameters, 7), models, out, **options)
    assert digest == Checkpoint(out).digest()
    return out


def logits_of(folder: Path, tokens: torch.Tensor) -> torch.Tensor:
    """As transformers computes them from the folder, which has to hold all and nothing more."""
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, output_loading_info=True
    )
    assert not any(report.values()), report
    with torch.inference_mode():
        logits: torch.Tensor = model.eval()(tokens).logits
    return logits


@pytest.mark.parametrize("operator", RECIPES)
def test_a_merge_loads_in_transformers(
    operator: str, architecture: str, models: Models, tmp_path: Path
) -> None:
    out = merge(operator, models, tmp_path / "out")
    base, merged = Checkpoint(models["base"]), Checkpoint(out)
    assert merged.names == base.names
    for name in base.names:
        assert merged.shape(name) == base.shape(name)
        assert merged.dtype(name) == base.dtype(name) == torch.bfloat16
        assert not torch.equal(merged.tensor(name), base.tensor(name)), name
    config = AutoConfig.from_pretrained(out, local_files_only=True)
    assert merged.config == base.config
    assert config.model_type == base.config["model_type"]
    assert config.architectures == base.config["architectures"]

    # Longer than the sliding windows.
    tokens = torch.randint(256, (2, 40), generator=torch.Generator().manual_seed(0))
    logits = logits_of(out, tokens)
    assert logits.shape == (2, 40, base.config["vocab_size"])
    assert bool(logits.isfinite().all())
    assert not torch.equal(logits, logits_of(models["base"], tokens))


def test_the_linear_merge_is_the_average(architecture: str, models: Models, tmp_path: Path) -> None:
    """Taken in float32 and rounded once, for every tensor there is of every kind of module."""
    one, two = Checkpoint(models["one"]), Checkpoint(models["two"])
    for dtype in (None, "float32"):
        merged = Checkpoint(merge("linear", models, tmp_path / str(dtype), dtype=dtype))
        for name in one.names:
            average = (one.tensor(name).float() + two.tensor(name).float()) / 2
            if dtype is None:
                assert torch.equal(merged.tensor(name), average.bfloat16()), name
            else:  # The order of the sum is the operator's own, and shows in the last bit.
                assert_close(merged.tensor(name), average, rtol=1e-6, atol=1e-8)
    assert {module_kind(name) for name in one.names} == {
        "embedding",
        "attention",
        "mlp",
        "norm",
    } | (set() if one.config["tie_word_embeddings"] else {"head"})


def test_a_merge_in_float32_loads_in_transformers(
    architecture: str, models: Models, tmp_path: Path
) -> None:
    out = merge("task_arithmetic", models, tmp_path / "out", dtype="float32")
    config = AutoConfig.from_pretrained(out, local_files_only=True)
    assert config.dtype == torch.float32
    tokens = torch.randint(256, (1, 20), generator=torch.Generator().manual_seed(0))
    logits = logits_of(out, tokens)
    assert logits.dtype == torch.float32
    assert bool(logits.isfinite().all())


def test_a_merge_is_swapped_into_the_embedded_engine(models: Models, tmp_path: Path) -> None:
    out = merge("linear", models, tmp_path / "out")
    engine = TransformersEngine(EMBEDDED, models["base"])
    started = TransformersEngine(EMBEDDED, out).logprobs(PROMPTS)
    for swap in (lambda: engine.load(out), lambda: engine.load_tensors(stored(out))):
        engine.load(models["base"])
        swap()
        for ours, theirs in zip(engine.logprobs(PROMPTS), started, strict=True):
            assert np.array_equal(ours, theirs)


def stored(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    model = Checkpoint(folder)
    return ((name, model.tensor(name)) for name in model.names)


def test_a_swap_leaves_no_second_model_in_memory(models: Models) -> None:
    gc.freeze()  # What other tests left need not be looked through.
    try:
        engine = TransformersEngine(EMBEDDED, models["base"])
        before = count_models()
        assert before > 0
        engine.load(models["one"])
        assert count_models() == before
    finally:
        gc.unfreeze()


def count_models() -> int:
    gc.collect()
    # By type: `isinstance` would wake lazy modules among the objects.
    return sum(issubclass(type(found), PreTrainedModel) for found in gc.get_objects())


@pytest.mark.parametrize("kind", ["attention", "mlp", "norm"])
def test_a_model_that_lacks_a_tensor_is_refused(kind: str, models: Models, tmp_path: Path) -> None:
    tensors = Checkpoint(models["one"])
    lacking = next(name for name in tensors.names if module_kind(name) == kind)
    stored = {name: tensors.tensor(name) for name in tensors.names if name != lacking}
    save_file(stored, tmp_path / "model.safetensors")
    with pytest.raises(EvaluationError, match=r"do not fit|cannot load the weights"):
        TransformersEngine(EMBEDDED, models["base"]).load(tmp_path)


@dataclass(frozen=True)
class Served:
    """A model as vLLM answered for it: whole texts and the log-probabilities of their tokens."""

    folder: Path
    tokens: list[list[int]]
    logprobs: list[list[float]]

    def check(self, tolerance: float) -> None:
        """Four tokens were generated, and transformers agrees on how likely all of them are."""
        assert [len(text) for text in self.tokens] == [len(prompt) + 4 for prompt in PROMPTS]
        expected = TransformersEngine(EMBEDDED, self.folder).logprobs(self.tokens)
        for ours, theirs in zip(self.logprobs, expected, strict=True):
            assert np.isfinite(ours).all()
            assert np.abs(np.array(ours) - theirs).max() < tolerance


@pytest.fixture(scope="session")
def served(
    architecture: str, models: Models, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Served, Served, Served]:
    """A merge on which vLLM was started, the base swapped in, and the merge streamed in again."""
    if architecture not in SERVED:
        pytest.skip(f"the CPU build of vLLM does not serve {architecture}")
    out = merge("linear", models, tmp_path_factory.mktemp("served") / architecture)
    folders = out, models["base"]
    command = [sys.executable, str(SERVE), *map(str, folders), json.dumps(PROMPTS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second, third = json.loads(done.stdout.splitlines()[-1])
    return Served(out, **first), Served(folders[1], **second), Served(out, **third)


@pytest.mark.nightly
def test_a_merge_is_served_by_vllm(architecture: str, served: tuple[Served, ...]) -> None:
    served[0].check(SERVED[architecture])


@pytest.mark.nightly
def test_weights_are_swapped_into_vllm(architecture: str, served: tuple[Served, ...]) -> None:
    served[1].check(SERVED[architecture])


@pytest.mark.nightly
def test_weights_are_streamed_into_vllm(architecture: str, served: tuple[Served, ...]) -> None:
    """Nothing of the base is left, and nothing is otherwise than after the start."""
    assert served[2] == served[0]
