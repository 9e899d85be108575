"""What takes time is done apart from the thread that draws the screen."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from textual import work
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker

from speciate.browse.source import one_line

_P = ParamSpec("_P")
_W = TypeVar("_W", bound=Widget)


class Told(Message):
    """One line about what is shown, or what is wrong."""

    def __init__(self, text: str, bad: bool = False) -> None:
        super().__init__()
        self.text, self.bad = text, bad


def apart(
    method: Callable[Concatenate[_W, _P], None],
) -> Callable[Concatenate[_W, _P], Worker[None]]:
    """Lets a method of a widget run in a thread; a call makes earlier ones superfluous.

    These are cancelled, which they may ask their worker, and nothing that they find is shown.
    """

    @functools.wraps(method)
    def guarded(self: _W, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # A view that fails must not take the others with it.
            self.post_message(Told(one_line(error), bad=True))

    group = method.__qualname__
    return work(thread=True, exclusive=True, group=group, exit_on_error=False)(guarded)
