"""A terminal that obeys no text: archives hold words of strangers and of language models."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from speciate.review.visible import visible


class Terminal(Console):
    """Shows control and formatting characters instead of sending them, whoever draws a text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """See `Console.render`."""
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control or text.isprintable() or text == "\n":
                yield segment
            else:
                plain = "\n".join(map(visible, text.split("\n")))
                yield Segment(plain, segment.style)
