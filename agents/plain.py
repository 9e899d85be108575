"""What agents remember, in a plain form: short lines of text, and numbers without a tail."""

import unicodedata
from typing import Final

_DIGITS: Final = 12


def one_line(text: str, longest: int) -> str:
    """One short line without control or invisible characters, whatever a model has written."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[: 4 * longest])
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def rounded(value: float) -> float:
    """To 12 significant digits, so that what is archived is short and the same on any machine."""
    return float(f"{value:.{_DIGITS}g}")
