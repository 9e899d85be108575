"""The common vocabulary of several models, and where their rows for it come from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from speciate.configs.section import nearest
from speciate.errors import ConfigError, ModelError
from speciate.population.aligned import MEAN, ZERO, Rows
from speciate.population.compatibility import by_token
from speciate.population.genome import WholeModel
from speciate.population.settings import vocabulary_size
from speciate.population.tokenizers_read import Vocabulary, read_vocabulary
from speciate.population.tokenizers_union import Addition, additions

BASE, UNION = "base", "union"
_INPUTS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight")


@dataclass(frozen=True)
class Target:
    """The common vocabulary.

    Attributes:
        tokens: Each token as some vocabulary spells it, that vocabulary, and the id here.
        rows: Of the embedding, padding included.
        owner: Label of the model that the order is from.
        added: Tokens that the owner lacks.
    """

    tokens: Sequence[tuple[str, Vocabulary, int]]
    rows: int
    owner: str
    added: Sequence[Addition] = ()


def known(label: str, models: Iterable[str], choice: str) -> str:
    """A label that a parent has.

    Raises:
        ConfigError: None has it.
    """
    labels = list(models)
    if label not in labels:
        raise ConfigError(f"{choice}: no parent is '{label}'; {nearest(label, labels)}")
    return label


def vocabulary_of(model: WholeModel) -> Vocabulary:
    """The vocabulary of a model, which must have one.

    Raises:
        ModelError: It has no tokenizer that can be read.
    """
    found = read_vocabulary(model.path)
    if found is None:
        raise ModelError(
            f"{model.path}: no tokenizer.json nor vocab.json, so its rows cannot be told; "
            "save the model's tokenizer there"
        )
    return found


def choose(
    models: Mapping[str, WholeModel],
    vocabularies: Mapping[str, Vocabulary],
    first: str,
    tokenizer: str,
) -> Target:
    """The common vocabulary that is asked for.

    Args:
        models: By label, in the order of the recipe.
        vocabularies: Theirs.
        first: Label of the base, or else of the first model.
        tokenizer: "base", "union" or a label.

    Raises:
        ConfigError: The label is unknown.
        ModelError: An embedding has another size than config.json says, or tokens have no rows.
    """
    choices = (BASE, UNION, *models)
    owner = first if tokenizer in (BASE, UNION) else known(tokenizer, choices, "tokenizer")
    vocabulary, rows = vocabularies[owner], _size(models[owner])
    tokens = [(token, vocabulary, id_) for token, id_ in vocabulary.ids.items() if id_ < rows]
    if tokenizer != UNION:
        return Target(tokens, rows, owner)
    if vocabulary.size > rows:
        raise ModelError(
            f"{models[owner].path}: the tokenizer has the id {vocabulary.size - 1}, the embedding "
            f"only {rows} rows; no union can be made with it"
        )
    added = list(additions(vocabulary, [v for k, v in vocabularies.items() if k != owner]))
    tokens += [(one.token, one.vocabulary, one.id) for one in added]
    return Target(tokens, max(rows, vocabulary.size + len(added)), owner, added)


def _size(model: WholeModel) -> int:
    size = vocabulary_size(model.config)
    if size is None or not any(by_token(model, name) for name in model.names):
        raise ModelError(
            f"{model.path}: no embedding has as many rows as config.json has vocab_size "
            f"({size}); correct the config"
        )
    return size


def with_rows(models: Mapping[str, WholeModel], first: str, names: Sequence[str]) -> frozenset[str]:
    """The tensors with a row for each token.

    Raises:
        ModelError: One has not that many rows in some model.
    """
    moved = frozenset(name for name in names if by_token(models[first], name))
    expected = moved.union(name for name in names if name.endswith(_INPUTS))
    for model in models.values():
        for name in sorted(expected):
            if not by_token(model, name):
                raise ModelError(
                    f"{model.path}: {name} has shape {list(model.shape(name))}, not one row for "
                    f"each of {_size(model)} tokens; correct vocab_size in config.json"
                )
    return moved


def rows_by_label(
    models: Mapping[str, WholeModel],
    vocabularies: Mapping[str, Vocabulary],
    target: Target,
    first: str,
) -> Iterator[tuple[str, Rows]]:
    """For each model whose rows are not the target's already, where they come from."""
    labels = list(models)
    sizes = [_size(model) for model in models.values()]
    places = [
        _places(vocabularies[label], target, size)
        for label, size in zip(labels, sizes, strict=True)
    ]
    owner = labels.index(target.owner)
    for number, label in enumerate(labels):
        same = vocabularies[label].ids == vocabularies[target.owner].ids
        padding = number if same and sizes[number] == sizes[owner] else owner
        start = Rows(number, sizes[number], *_padding(padding, sizes[owner], target.rows))
        rows = _rows(start, places, target, labels.index(first))
        if not rows.unmoved:
            yield label, rows


def _places(vocabulary: Vocabulary, target: Target, size: int) -> list[int | None]:
    """The row that a model has for each token of the target."""
    found = (vocabulary.find(token, of) for token, of, _ in target.tokens)
    return [id_ if id_ is not None and id_ < size else None for id_ in found]


def _padding(giver: int, size: int, rows: int) -> tuple[Tensor, Tensor]:
    """What rows are where no token is: as in one model, and zeros beyond."""
    places = torch.arange(rows)
    return torch.where(places < size, giver, ZERO), places


def _rows(start: Rows, places: Sequence[Sequence[int | None]], target: Target, first: int) -> Rows:
    """Puts the row of each token in its place."""
    givers, numbers = start.givers.tolist(), start.places.tolist()
    means: dict[int, Sequence[tuple[int, int]]] = {}
    for token, (_, _, id_) in enumerate(target.tokens):
        holders = [(k, row[token]) for k, row in enumerate(places)]
        have = {k: row for k, row in holders if row is not None}
        giver = next((k for k in (start.model, first) if k in have), None)
        if giver is None and len(have) > 1:
            givers[id_], means[id_] = MEAN, tuple(have.items())
        elif have:
            giver = next(iter(have)) if giver is None else giver
            givers[id_], numbers[id_] = giver, have[giver]
    return replace(start, givers=torch.tensor(givers), places=torch.tensor(numbers), means=means)
