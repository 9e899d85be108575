"""What mergekit (0.1.5) takes in its YAML files, and the few things in it that we do not."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from speciate.configs.section import Section

Scalar = bool | int | float | str


def _values(value: Any) -> tuple[Scalar, ...]:  # noqa: ANN401
    """A scalar or a gradient."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not values:
        raise ValueError("give a value, not an empty list")
    if not all(isinstance(one, bool | int | float | str) for one in values):
        raise ValueError("give a number, a list of numbers, or a list of {filter, value}")
    return values


class Condition(Section):
    """A value for the tensors whose name has a part, or for all."""

    filter: str | None = Field(None, description="Part of the tensor's name; * or none for all.")
    value: Annotated[tuple[Scalar, ...], BeforeValidator(_values)] = Field(
        description="A scalar, or several that are interpolated over the layers of the slice."
    )

    @property
    def part(self) -> str | None:
        """What a name must have in it; None if all names will do."""
        return None if self.filter in ("*", "") else self.filter


def _conditions(value: Any) -> Any:  # noqa: ANN401
    """Every form of a parameter as the list of conditions that is its longest form."""
    if isinstance(value, dict | Condition):
        return (value,)
    if isinstance(value, list | tuple) and any(isinstance(v, dict | Condition) for v in value):
        return value
    return ({"value": value},)


Setting = Annotated[tuple[Condition, ...], BeforeValidator(_conditions)]
Settings = dict[str, Setting]
_NO_SETTINGS: Any = Field(default_factory=dict, description="By name; of the merge method.")


def _located(value: Any) -> Any:  # noqa: ANN401
    """`path@revision`."""
    if not isinstance(value, str):
        return value
    path, *revisions = value.split("@")
    if len(revisions) > 1:
        raise ValueError(f"{value}: more than one @")
    return {"path": path, "revision": revisions[0] if revisions else None}


class Location(Section):
    """A folder; mergekit also takes a repository of the Hugging Face hub."""

    path: str = Field(min_length=1, description="Folder, or id of a repository.")
    revision: str | None = Field(None, description="Of the repository.")


Place = Annotated[Location, BeforeValidator(_located)]


class Reference(Section):
    """A model, and perhaps a LoRA adapter on it."""

    model: Place = Field(description="Folder of the model.")
    lora: Place | None = Field(None, description="Folder of the adapter.")
    override_architecture: None = Field(None, description="Not taken here.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            return value
        model, *adapters = value.split("+")
        if len(adapters) > 1:
            raise ValueError(f"{value}: more than one adapter; merge one of them first")
        return {"model": model, "lora": adapters[0] if adapters else None}


class InputModel(Section):
    """A whole model that is merged."""

    model: Reference = Field(description="The model.")
    parameters: Settings | None = _NO_SETTINGS


class InputSlice(InputModel):
    """Some layers of a model."""

    layer_range: tuple[Annotated[int, Field(ge=0)], int] = Field(
        description="First layer, and the one after the last."
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "InputSlice":
        if self.layer_range[1] <= self.layer_range[0]:
            raise ValueError(f"layer_range: {list(self.layer_range)} has no layers")
        return self


class OutputSlice(Section):
    """Layers of the child, from as many layers of each source."""

    sources: tuple[InputSlice, ...] = Field(min_length=1, description="What is merged.")
    base_model: Reference | None = Field(None, description="Of this slice.")
    residual_weight: float | None = Field(None, description="Has no effect in mergekit.")
    parameters: Settings | None = _NO_SETTINGS


class Tokenizer(Section):
    """Which tokenizer the child gets."""

    source: str = Field("union", description="union, base, or a model.")
    tokens: dict[str, Any] | None = Field(None, description="Embeddings of single tokens.")
    pad_to_multiple_of: int | None = Field(None, description="Size of the vocabulary.")


class MergekitFile(Section):
    """A mergekit config."""

    merge_method: str = Field(description="Name of the method.")
    models: tuple[InputModel, ...] | None = Field(None, description="Whole models.")
    slices: tuple[OutputSlice, ...] | None = Field(None, description="Or slices, or modules.")
    modules: dict[str, Any] | None = Field(None, description="Parts of models of several modules.")
    base_model: Reference | None = Field(None, description="What task vectors start from.")
    parameters: Settings | None = _NO_SETTINGS
    dtype: str | None = Field(None, description="Of the computation, and of the child.")
    out_dtype: str | None = Field(None, description="Of the child.")
    tokenizer_source: str | None = Field(None, description="union, base, or a model.")
    tokenizer: Tokenizer | None = Field(None, description="The longer form of tokenizer_source.")
    chat_template: str | None = Field(None, description="auto, a name, or the text of one.")

    @model_validator(mode="after")
    def _one_form(self) -> "MergekitFile":
        if self.modules:
            raise ValueError(
                "modules: cannot be carried out; write a model of one module as slices"
            )
        if bool(self.models) == bool(self.slices):
            raise ValueError("give either models or slices")
        if self.tokenizer_source and self.tokenizer:
            raise ValueError("tokenizer: leave it out, or tokenizer_source")
        return self
