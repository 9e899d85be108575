"""Compatibility of models: all differences are listed, before any weights are read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from speciate.errors import ModelError
from speciate.population.compatibility import check_compatible
from speciate.population.weights import Checkpoint

Folder = Callable[..., Path]
Random = Callable[[int], dict[str, Tensor]]
NAMES = ("embed", "norm", "proj", "steps", "used")


def differences(**paths: Path) -> str:
    """What the message lists, between the first model's name and the remedy."""
    with pytest.raises(ModelError) as caught:
        check_compatible({label: Checkpoint(path) for label, path in paths.items()})
    listed = str(caught.value).removeprefix("models do not fit the first one, a: ")
    return listed.removesuffix("; merge only models of one architecture and one vocabulary")


def test_equal_models_are_compatible(folder: Folder, random_weights: Random) -> None:
    paths = [folder(str(n), random_weights(n), shards=[NAMES] * (n == 1)) for n in range(3)]
    check_compatible({path.name: Checkpoint(path) for path in paths})


def test_differences_of_config_are_listed(folder: Folder, random_weights: Random) -> None:
    a = folder("a", random_weights(0))
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 5}
    assert differences(a=a, b=folder("b", random_weights(1), **config)).split(", b: ") == [
        "b: architectures is ['GPT2LMHeadModel'], not ['LlamaForCausalLM']",
        "model_type is gpt2, not llama",
        "vocab_size is 5, not 4",
    ]


def test_differences_of_weights_are_listed(folder: Folder, random_weights: Random) -> None:
    weights = random_weights(1)
    weights["extra"] = weights.pop("norm")
    weights["proj"] = weights["proj"][:5].contiguous()
    weights["steps"] = weights["steps"].float()
    message = differences(
        a=folder("a", random_weights(0)),
        b=folder("b", weights, vocabulary={"a": 0, "b": 2, "c": 1, "d": 3}),
    )
    assert message.split(", b: ") == [
        "b: lacks norm",
        "has extra extra",
        "proj has shape [5, 6], not [6, 6]",
        "steps is torch.float32, not torch.int64",
        "token 'b' is 2, not 1 (1 more differ)",
    ]


def test_long_lists_are_cut(folder: Folder) -> None:
    one = {f"t{n}": torch.zeros(2) for n in range(14)}
    two = {name: torch.zeros(3) for name in one}
    listed = differences(a=folder("a", one), b=folder("b", two))
    assert listed.count("b: ") == 5
    assert listed.endswith(" and 9 more")
    none = differences(a=folder("c", one), b=folder("d", {"x": torch.zeros(1)}))
    assert "lacks t0, t1, t10 and 11 more" in none


def test_tied_and_untied_do_not_mix(folder: Folder, random_weights: Random) -> None:
    tied = folder("a", random_weights(0), tie_word_embeddings=True)
    untied = folder("b", random_weights(0), tie_word_embeddings=False)
    assert "tie_word_embeddings is False, not True" in differences(a=tied, b=untied)
    silent = folder("c", random_weights(0))
    check_compatible({"a": Checkpoint(tied), "c": Checkpoint(silent)})


def test_quantised_models_are_refused(folder: Folder, random_weights: Random) -> None:
    path = folder("a", random_weights(0), quantization_config={"bits": 4})
    assert "quantised weights cannot be averaged" in differences(a=path)


def test_vocabulary_counts_ids_not_files(folder: Folder, random_weights: Random) -> None:
    one, two = (Checkpoint(folder(name, random_weights(0))) for name in "ab")
    pieces = {"model": {"vocab": [["a", -1.0], ["b", -2.0], ["c", -3.0]]}}
    pieces["added_tokens"] = [{"id": 3, "content": "d"}]  # type: ignore[assignment]
    (two.path / "tokenizer.json").write_text(json.dumps(pieces))
    check_compatible({"a": one, "b": two})
    (two.path / "tokenizer.json").unlink()
    check_compatible({"a": one, "b": two})
    (two.path / "tokenizer.json").write_text('{"model": {}}')
    with pytest.raises(ModelError, match=r"tokenizer\.json has no vocabulary"):
        check_compatible({"a": one, "b": two})
