"""What a mergekit config says besides the merge: type, tokenizer, chat template."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speciate.errors import ConfigError
from speciate.population.mergekit import notes
from speciate.population.mergekit.folders import Finder, Found, template_of
from speciate.population.mergekit.schema import Location, MergekitFile
from speciate.population.mergekit.translation import ParentFolder

_DTYPES = ("float32", "bfloat16", "float16")
# The format that OpenAI published; the text is our own.
_CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Rest:
    """Reads the rest of a config.

    Attributes:
        file: The config.
        finder: Finds folders.
        parents: Of the recipe; the first one gives the tokenizer, unless another is chosen.
        base: The base_model of the whole config.
        notes: Where the child will differ from mergekit's.
    """

    file: MergekitFile
    finder: Finder
    parents: Sequence[ParentFolder]
    base: Found | None
    notes: list[str]

    def dtype(self) -> str | None:
        """That of the child; mergekit also computes in `dtype`."""
        for given in (self.file.dtype, self.file.out_dtype):
            if given and given.removeprefix("torch.") not in _DTYPES:
                raise ConfigError(f"dtype: '{given}' is not one of {', '.join(_DTYPES)}")
        computed = (self.file.dtype or "").removeprefix("torch.")
        if computed not in ("", "float32"):
            self.notes.append(notes.precision(computed))
        chosen = self.file.out_dtype or self.file.dtype
        return chosen.removeprefix("torch.") if chosen else None

    def tokenizer(self) -> str | None:
        """Whose vocabulary the child has: base, union, or the path of a parent."""
        source = self._tokenizer_source()
        folders = [one.path for one in self.parents]
        if source is None:
            if self.base is not None and self.base.path not in folders:
                self.notes.append(notes.donor(str(folders[0]), str(self.base.path)))
            return None
        self.notes.append(notes.VOCABULARY)
        if source == "union":
            return source
        if source == "base" and self.base is None:
            raise ConfigError("tokenizer: is that of the base, but there is no base_model")
        own = self.base.path if self.base and source == "base" else self._folder(source)
        if own not in folders:
            raise ConfigError(f"tokenizer: {own} is none of the models that are merged; name one")
        return "base" if own == folders[0] else str(own)

    def _tokenizer_source(self) -> str | None:
        tokenizer = self.file.tokenizer
        if tokenizer is None:
            return self.file.tokenizer_source
        for key in ("tokens", "pad_to_multiple_of"):
            if getattr(tokenizer, key):
                raise ConfigError(f"tokenizer.{key}: cannot be carried out here; leave it out")
        return tokenizer.source

    def _folder(self, source: str) -> Path:
        return self.finder.folder(Location(path=source))

    def chat_template(self) -> tuple[Path | None, str | None]:
        """The parent that has the template, or else its text; for "auto" that which most have.

        Raises:
            ConfigError: It is neither a text nor a name that we know.
        """
        wanted = self.file.chat_template
        if wanted is None:
            return None, None
        texts = {one.path: template_of(one.path) for one in self.parents}
        if wanted == "auto":
            counts = Counter(text for text in texts.values() if text)
            if not counts:
                return None, None
            wanted = counts.most_common(1)[0][0]
        elif wanted == "chatml":
            wanted = _CHATML
        elif "{" not in wanted or len(wanted) < 20:
            raise ConfigError(
                f"chat_template: '{wanted}' is neither auto nor chatml; give the template's text"
            )
        givers = [folder for folder, text in texts.items() if text == wanted.strip()]
        return (givers[0], None) if givers else (None, wanted)
