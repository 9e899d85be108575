"""Numbers as agents remember them."""

from typing import Final

_DIGITS: Final = 12


def rounded(value: float) -> float:
    """To 12 significant digits, so that what is archived is short and the same on any machine."""
    return float(f"{value:.{_DIGITS}g}")
