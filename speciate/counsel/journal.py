"""What came in from outside: answers of agents and decisions of people, step by step.

Given the journal, a campaign is a function of its seed again: one that was killed asks nothing
twice, and one that is replayed ends with the same hash.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from speciate.errors import DamageError, UsageError
from speciate.files import write_whole
from speciate.records import canonical_json

FOLDER = "agents"
"""Of a campaign: holds what agents said."""
_JOURNAL, _TALKS = "journal", "talks"
_SHORT = 10


@dataclass(frozen=True)
class Answer:
    """What became of one conversation.

    Attributes:
        arm: Who was asked.
        number: Of the proposal that it was about, if it was about one.
        genome: Name of the prompt and sampling that were used.
        talk: SHA-256 of the conversation; "" if nothing was said.
        replies: In it.
        tokens: Asked and answered.
        money: What it cost by the prices of the endpoint.
        result: JSON values, by role; None if there is none.
        error: Why there is none.
        silent: The endpoint did not answer at all, or not in time.
    """

    arm: str
    number: int | None
    genome: str
    talk: str
    replies: int = 0
    tokens: int = 0
    money: float = 0.0
    result: Mapping[str, Any] | None = None
    error: str | None = None
    silent: bool = False


class Spent(NamedTuple):
    """On all answers so far."""

    replies: int
    tokens: int
    money: float


@dataclass(frozen=True)
class Entry:
    """What came in before the proposals of a step were settled.

    Attributes:
        decisions: Of people, as JSON values, in the order in which they are taken note of.
        answers: Of agents, in the order in which they were asked.
    """

    decisions: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[Answer, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From JSON values."""
        return cls(tuple(data["decisions"]), tuple(Answer(**one) for one in data["answers"]))


class Journal:
    """A folder with a file a step and a file a conversation; lies beside the archive."""

    def __init__(self, folder: Path, replayed: Path | None = None) -> None:
        """Reads and writes `folder`.

        Args:
            folder: Made when first written to.
            replayed: The folder of another campaign's journal, whose entries are taken instead of
                asking anybody.

        Raises:
            UsageError: There is no journal to replay.
        """
        self._folder, self._replayed = folder, replayed
        if replayed is not None and not replayed.is_dir():
            raise UsageError(
                f"{replayed.parent.parent} has no journal of agents; give --replay the folder of a "
                "campaign in which agents took part"
            )

    @classmethod
    def of(cls, campaign: Path, replayed: Path | None = None) -> Self:
        """The journal in a campaign's folder, and that of the campaign that is replayed."""
        return cls(campaign / FOLDER / _JOURNAL, replayed / FOLDER / _JOURNAL if replayed else None)

    def get(self, step: int) -> Entry | None:
        """The entry of a step; None if people and agents are yet to be asked.

        Raises:
            DamageError: It is not what speciate writes.
            UsageError: The journal that is replayed has come to its end.
        """
        name = f"{step:06}.json"
        entry = _read(self._folder / name)
        if entry is None and self._replayed is not None:
            entry = _read(self._replayed / name)
            if entry is None:
                raise UsageError(f"{self._replayed} ends before step {step}; run without --replay")
            self.put(step, entry)
        return entry

    def put(self, step: int, entry: Entry) -> None:
        """Keeps the entry of a step."""
        data = json.dumps(asdict(entry), sort_keys=True, indent=1)
        write_whole(self._folder / f"{step:06}.json", f"{data}\n".encode())

    def keep(self, talk: Mapping[str, Any]) -> str:
        """Keeps a conversation, and gives its digest."""
        data = canonical_json(talk)
        digest = hashlib.sha256(data).hexdigest()
        write_whole(self._folder / _TALKS / digest[:2] / f"{digest}.json", data)
        return digest

    def talk(self, text: str) -> tuple[str, Mapping[str, Any]]:
        """Digest and content of the conversation whose digest begins with `text`.

        Raises:
            UsageError: None is meant, or several.
            DamageError: It is not what was kept.
        """
        wanted = text.strip().lower()
        found = [file for file in self.talks() if wanted and file.stem.startswith(wanted)]
        if not found:
            raise UsageError(
                f"no conversation begins with {text!r}; `speciate show` names that of an individual"
            )
        if len(found) > 1:
            names = ", ".join(file.stem[:_SHORT] for file in found[:3])
            raise UsageError(f"{text!r} may be {names}; give more digits")
        data = found[0].read_bytes()
        if hashlib.sha256(data).hexdigest() != found[0].stem:
            raise DamageError(f"{found[0]} is damaged; restore it from a copy")
        return found[0].stem, json.loads(data)

    def talks(self) -> list[Path]:
        """The files of all conversations, each named by its digest."""
        return sorted((self._folder / _TALKS).glob("*/*.json"))

    def steps(self) -> list[int]:
        """Steps that have an entry."""
        return sorted(int(file.stem) for file in self._folder.glob("[0-9]*.json"))

    def answers(self) -> Iterator[tuple[int, Answer]]:
        """All answers so far with the steps before which they came, oldest first.

        Raises:
            DamageError: An entry is not what speciate writes.
        """
        for file in sorted(self._folder.glob("*.json")):
            for answer in (_read(file) or Entry()).answers:
                yield int(file.stem), answer

    @property
    def spent(self) -> Spent:
        """What answers have cost so far."""
        found = [answer for _, answer in self.answers()]
        return Spent(
            sum(answer.replies for answer in found),
            sum(answer.tokens for answer in found),
            sum(answer.money for answer in found),
        )


def _read(file: Path) -> Entry | None:
    try:
        return Entry.from_json(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as exc:
        raise DamageError(f"{file} is damaged ({exc}); restore it from a copy") from exc
