"""Text of strangers as it is: what a terminal or a browser would obey or hide becomes visible."""


def visible(text: str) -> str:
    """One line, its control and formatting characters spelt as Python spells them."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text.expandtabs(4))


def lines(text: str) -> list[str]:
    """The lines of a text; as in source code, only line feeds end them."""
    return [visible(line) for line in text.rstrip("\n").split("\n")]
