"""Whether models can be merged at all: one architecture, one set of shapes, one vocabulary."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from speciate.errors import ModelError
from speciate.population.weights import Checkpoint, read_json

_SAME_CONFIG = (
    "architectures",
    "model_type",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "tie_word_embeddings",
    "hidden_act",
    "rms_norm_eps",
    "rope_theta",
    "rope_scaling",
    "rope_parameters",
    "sliding_window",
)
_SHOWN = 5


def check_compatible(models: Mapping[str, Checkpoint]) -> None:
    """Whether tensors of the same name mean the same in all models; reads no weights.

    Raises:
        ModelError: The first differences from the first model.
    """
    (first, frame), *others = models.items()
    problems = [f"{label}: {line}" for label, model in models.items() for line in _quantised(model)]
    for label, model in others:
        problems += [f"{label}: {line}" for line in _differences(frame, model)]
    if not problems:
        return
    more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    raise ModelError(
        f"models do not fit the first one, {first}: {', '.join(problems[:_SHOWN])}{more}; "
        "merge only models of one architecture and one vocabulary"
    )


def _quantised(model: Checkpoint) -> Iterator[str]:
    if model.config.get("quantization_config"):
        yield "quantised weights cannot be averaged; dequantise the model first"


def _differences(first: Checkpoint, other: Checkpoint) -> Iterator[str]:
    for key in _SAME_CONFIG:
        ours, theirs = first.config.get(key), other.config.get(key)
        # A key that one file leaves out has its default, which the tensors will contradict.
        if ours is not None and theirs is not None and ours != theirs:
            yield f"{key} is {theirs}, not {ours}"
    yield from _listed("lacks", set(first.names) - set(other.names))
    yield from _listed("has extra", set(other.names) - set(first.names))
    for name in sorted(set(first.names) & set(other.names)):
        if first.shape(name) != other.shape(name):
            yield f"{name} has shape {list(other.shape(name))}, not {list(first.shape(name))}"
        elif first.dtype(name).is_floating_point != other.dtype(name).is_floating_point:
            yield f"{name} is {other.dtype(name)}, not {first.dtype(name)}"
    yield from _vocabulary_differences(first.path, other.path)


def _listed(verb: str, names: set[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{verb} {', '.join(sorted(names)[:3])}{more}"


def _vocabulary_differences(first: Path, other: Path) -> Iterator[str]:
    files = first / "tokenizer.json", other / "tokenizer.json"
    if not all(file.is_file() for file in files):
        return  # Without a tokenizer a model says nothing that could be contradicted.
    if files[0].read_bytes() == files[1].read_bytes():
        return
    ours, theirs = _vocabulary(first), _vocabulary(other)
    tokens = sorted(t for t in ours.keys() | theirs.keys() if ours.get(t) != theirs.get(t))
    if tokens:
        ids = theirs.get(tokens[0], "absent"), ours.get(tokens[0], "absent")
        more = f" ({len(tokens) - 1} more differ)" if len(tokens) > 1 else ""
        yield f"token {tokens[0]!r} is {ids[0]}, not {ids[1]}{more}"


def _vocabulary(folder: Path) -> dict[str, int]:
    """Id of each token; Unigram models store a list whose positions are the ids."""
    tokenizer = read_json(folder, "tokenizer.json")
    try:
        vocabulary = tokenizer["model"]["vocab"]
        if isinstance(vocabulary, list):
            vocabulary = {token: number for number, (token, _) in enumerate(vocabulary)}
        added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or ()}
        return {**vocabulary, **added}
    except (KeyError, TypeError, ValueError) as exc:
        raise ModelError(
            f"{folder}: tokenizer.json has no vocabulary ({exc!r}); save the tokenizer again"
        ) from exc
