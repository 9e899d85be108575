"""Models of different vocabularies: their embeddings are read with rows in one common order.

Nothing is copied: rows are gathered when an operator reads them, a block at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from speciate.errors import ConfigError
from speciate.population.aligned import Aligned, AlignedModel, Rows
from speciate.population.compatibility import superfluous
from speciate.population.frame import Frame
from speciate.population.genome import Source, WholeModel
from speciate.population.safetensors_writer import Spec
from speciate.population.settings import tied, vocabulary_size
from speciate.population.tokenizers_files import (
    Files,
    generation_files,
    template_files,
    with_token_ids,
)
from speciate.population.tokenizers_target import (
    Target,
    choose,
    known,
    rows_by_label,
    vocabulary_of,
    with_rows,
)
from speciate.population.tokenizers_union import union_files


@dataclass(frozen=True)
class Alignment:
    """Models that can be merged tensor by tensor.

    Attributes:
        sources: The models by label, with the same tensors of the same shapes.
        frame: Of the child: config, tokenizer and tensors.
        rows: Where the rows of each model come from, if they are not its own in their own order.
        moved: Names of the tensors that have a row for each token.
    """

    sources: Mapping[str, AlignedModel]
    frame: Frame
    rows: Mapping[str, Rows] = field(default_factory=dict)
    moved: frozenset[str] = frozenset()

    def statistics(self, label: str | None, measured: Source) -> Source:
        """What was measured of a model, in the common order; 0 for tokens that it lacks.

        Args:
            label: Of the model; None if it was measured of several together.
            measured: By names of weights, with the kind after a dot or without.

        Raises:
            ConfigError: It is not of one model, and rows have to be moved.
        """
        if label is None and self.rows:
            raise ConfigError(
                f"{measured.label}: measured of several models together, which have to be of one "
                "vocabulary; leave tokenizer out"
            )
        rows = self.rows.get(label or "")
        if rows is None:
            return measured
        moved = frozenset(x for x in measured.names if self._by_token(x, measured.shape(x), rows))
        return Aligned(measured, tuple(measured.names), moved, rows.own, {rows.model: measured})

    def _by_token(self, name: str, shape: tuple[int, ...], rows: Rows) -> bool:
        return shape[:1] == (rows.size,) and {name, name.rpartition(".")[0]} & self.moved != set()


def align(
    models: Mapping[str, WholeModel],
    first: str,
    tokenizer: str | None = None,
    chat_template: str | None = None,
) -> Alignment:
    """Gives all models the same tensors, and the same rows in their embeddings and heads.

    The row of a token is the model's own row for that token. Where a model lacks the token it is
    the row of the first model, or else the mean of the rows of those that have it. Rows without a
    token are those of the tokenizer's owner, or zeros.

    Args:
        models: That were found compatible, by label, in the order of the recipe.
        first: Label of the base, or else of the first model: the frame of the child.
        tokenizer: Whose tokens in whose order: "base" for the first model's, "union" for these
            and then what the others have besides, a label; None if all have the same.
        chat_template: Label of the model whose chat template the child gets; None for that of the
            tokenizer.

    Raises:
        ConfigError: A label is unknown, or the model named has no chat template.
        ModelError: A vocabulary is missing or damaged, or an embedding does not fit it.
    """
    dropped = superfluous(models.values())
    names = {k: tuple(x for x in model.names if x not in dropped) for k, model in models.items()}
    target: Target | None = None
    moved: frozenset[str] = frozenset()
    rows: dict[str, Rows] = {}
    if tokenizer is not None:
        vocabularies = {label: vocabulary_of(model) for label, model in models.items()}
        target = choose(models, vocabularies, first, tokenizer)
        moved = with_rows(models, first, names[first])
        rows = dict(rows_by_label(models, vocabularies, target, first))
    tie = any(tied(model.config) for model in models.values())
    givers = dict(enumerate(models.values()))
    sources = {}
    for label, model in models.items():
        config = _config(model.config, target, models, tie)
        sources[label] = AlignedModel(
            model, names[label], moved, rows.get(label), givers, model.path, config
        )
    frame = _frame(sources[first], models, first, target, chat_template)
    return Alignment(sources, frame, rows, moved)


def _frame(
    like: AlignedModel,
    models: Mapping[str, WholeModel],
    first: str,
    target: Target | None,
    chat_template: str | None,
) -> Frame:
    """The first model's, with the tokenizer files of the target's owner."""
    owner = models[target.owner if target else first].path
    files: Files = union_files(owner, target.added) if target else {}
    if owner != models[first].path:
        files = generation_files(models[first].path, owner)
    if chat_template is not None:
        giver = models[known(chat_template, models, "chat_template")].path
        files = files if giver == owner else template_files(owner, giver, files)
    specs = tuple(Spec(name, like.dtype(name), like.shape(name)) for name in like.names)
    return Frame(owner, like.config, specs, files)


def _config(
    config: Mapping[str, Any], target: Target | None, models: Mapping[str, WholeModel], tie: bool
) -> Mapping[str, Any]:
    """A model's config with the target's rows, and the special tokens of the target's owner."""
    if target:
        owner = models[target.owner].config
        config = config if owner is config else with_token_ids(config, owner)
        if target.rows != vocabulary_size(config):
            config = _resized(config, target.rows)
    return {**config, "tie_word_embeddings": True} if tie and not tied(config) else config


def _resized(config: Mapping[str, Any], rows: int) -> dict[str, Any]:
    text = config.get("text_config")
    inside = isinstance(text, Mapping) and "vocab_size" in text
    new = dict(config) | ({"vocab_size": rows} if not inside or "vocab_size" in config else {})
    return new | ({"text_config": {**text, "vocab_size": rows}} if inside and text else {})
