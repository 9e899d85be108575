"""Whether models can be merged at all: one architecture, one set of shapes, one vocabulary."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch

from speciate.errors import ModelError
from speciate.population.genome import WholeModel
from speciate.population.settings import differences, tied, vocabulary_size
from speciate.population.structure import Structure, module_kind
from speciate.population.tokenizers_read import read_vocabulary

_CHUNK = 1 << 20
# Computed from the config by every loader; only old files have them.
_CACHES = ("rotary_emb.inv_freq",)


def check_compatible(
    models: Mapping[str, WholeModel], same_depth: bool = True, same_vocabulary: bool = True
) -> None:
    """Whether tensors of the same name mean the same in all models.

    Reads no weights, unless a model stores a copy of its embedding as its head: this is compared.

    Args:
        models: By the label that messages call them; the first is what the others should be like.
        same_depth: False where models of different numbers of blocks may be combined.
        same_vocabulary: False where rows will be aligned by their tokens.

    Raises:
        ModelError: All differences from the first model, grouped.
    """
    (first, frame), *others = models.items()
    ignored = superfluous(models.values())
    found = {label: list(_quantised(model)) for label, model in models.items()}
    for label, other in others:
        found[label] += differences(frame.config, other.config, same_depth, same_vocabulary)
        found[label] += _tensor_differences(frame, other, ignored, same_depth, same_vocabulary)
        if same_vocabulary:
            found[label] += _vocabulary_differences(frame, other)
    if not any(found.values()):
        found = {label: list(_untied(model, ignored)) for label, model in models.items()}
    if any(found.values()):
        raise ModelError(
            f"models do not fit the first one, {first}: {_grouped(found)}; "
            "merge only models of one architecture and one vocabulary"
        )


def superfluous(models: Iterable[WholeModel]) -> frozenset[str]:
    """Names of tensors that some store and none needs: copies of tied embeddings, and caches.

    Where head and embedding are one tensor it is merged once, as the embedding.
    """
    models = list(models)
    stored = [{name for name in model.names if _is_head(name)} for model in models]
    flags = {tied(model.config) for model in models}
    heads = frozenset[str]().union(*stored)
    some = any(heads - own for own in stored)
    tie = False not in flags and (True in flags or some)
    caches = {name for model in models for name in model.names if name.endswith(_CACHES)}
    return (heads if tie else frozenset()) | caches


def by_token(model: WholeModel, name: str) -> bool:
    """Whether a tensor has a row for each token: an embedding, a head or the bias of a head."""
    shape, rows = model.shape(name), vocabulary_size(model.config)
    return bool(shape) and shape[0] == rows and module_kind(name) in ("embedding", "head")


def _is_head(name: str) -> bool:
    return module_kind(name) == "head" and name.endswith("weight")


def _untied(model: WholeModel, heads: Iterable[str]) -> Iterator[str]:
    """Heads that are stored, though they should be the embedding, and are not."""
    for head in sorted(name for name in heads if _is_head(name) and name in model.names):
        partners = [
            name
            for name in model.names
            if module_kind(name) == "embedding" and model.shape(name) == model.shape(head)
        ]
        if not any(_equal(model, head, partner) for partner in partners):
            yield (
                f"{head} is not the embedding, though tie_word_embeddings is true here or in "
                "another model (say false in the config.json of all, and store a head in each)"
            )


def _equal(model: WholeModel, one: str, two: str) -> bool:
    size = torch.Size(model.shape(one)).numel()
    spans = ((start, min(start + _CHUNK, size)) for start in range(0, size, _CHUNK))
    return all(torch.equal(model.read(one, *span), model.read(two, *span)) for span in spans)


def _grouped(found: Mapping[str, Sequence[str]]) -> str:
    """One part for all models of which the same is said."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for label, lines in found.items():
        if lines:
            groups.setdefault(tuple(lines), []).append(label)
    return "; ".join(f"{', '.join(labels)}: {', '.join(lines)}" for lines, labels in groups.items())


def _quantised(model: WholeModel) -> Iterator[str]:
    if model.config.get("quantization_config"):
        yield "quantised weights cannot be averaged; dequantise the model first"


def _tensor_differences(
    first: WholeModel,
    other: WholeModel,
    ignored: frozenset[str],
    same_depth: bool,
    same_vocabulary: bool,
) -> Iterator[str]:
    ours, theirs = (set(model.names) - ignored for model in (first, other))
    yield from _listed("lacks", _comparable(ours - theirs, first, same_depth))
    yield from _listed("has extra", _comparable(theirs - ours, other, same_depth))
    shapes, types = [], []
    for name in sorted(ours & theirs):
        rows = same_vocabulary or not (by_token(first, name) and by_token(other, name))
        a, b = first.shape(name), other.shape(name)
        if a != b and (rows or a[1:] != b[1:]):
            shapes.append((name, str(list(b)), str(list(a))))
        elif first.dtype(name).is_floating_point != other.dtype(name).is_floating_point:
            types.append((name, str(other.dtype(name)), str(first.dtype(name))))
    yield from _counted(shapes, "has shape", "have other shapes")
    yield from _counted(types, "is", "are of other types")


def _comparable(names: set[str], model: WholeModel, same_depth: bool) -> set[str]:
    if same_depth:
        return names
    structure = Structure(model.names)
    return {name for name in names if structure.place(name).layer is None}


def _listed(verb: str, names: set[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{verb} {', '.join(sorted(names)[:3])}{more}"


def _counted(found: Sequence[tuple[str, str, str]], one: str, many: str) -> Iterator[str]:
    if found:
        name, theirs, ours = found[0]
        if len(found) == 1:
            yield f"{name} {one} {theirs}, not {ours}"
        else:
            yield f"{len(found)} tensors {many}, such as {name} {theirs}, not {ours}"


def _vocabulary_differences(first: WholeModel, other: WholeModel) -> Iterator[str]:
    files = first.path / "tokenizer.json", other.path / "tokenizer.json"
    if all(file.is_file() for file in files) and files[0].read_bytes() == files[1].read_bytes():
        return
    one, two = read_vocabulary(first.path), read_vocabulary(other.path)
    if one is None or two is None:
        return  # Without a tokenizer a model says nothing that could be contradicted.
    ours, theirs = one.ids, two.ids
    tokens = sorted(t for t in ours.keys() | theirs.keys() if ours.get(t) != theirs.get(t))
    if tokens:
        ids = theirs.get(tokens[0], "absent"), ours.get(tokens[0], "absent")
        more = f" ({len(tokens) - 1} more differ)" if len(tokens) > 1 else ""
        yield f"token {tokens[0]!r} is {ids[0]}, not {ids[1]}{more}"
