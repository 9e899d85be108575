"""What a check finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was.

    Attributes:
        what: It is, and where.
        remedy: What to do, or what `--repair` does.
        repair: Does that, and says what was done; None where only people can.
    """

    what: str
    remedy: str
    repair: Callable[[], str] | None = None

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.what}; {self.remedy}" if self.remedy else self.what

    @classmethod
    def told(cls, line: str) -> Self:
        """Of an error's line, which ends in its remedy."""
        what, _, remedy = line.rpartition("; ")
        return cls(what, remedy) if what else cls(line, "")
