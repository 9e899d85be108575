"""Many questions at once, for callers that are not asynchronous."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from speciate.chat.endpoint import EndpointChat
from speciate.errors import BudgetError, ReplyError

Question = TypeVar("Question", bound=Hashable)
T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end, also below an event loop, such as that of a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


def asked(
    chat: EndpointChat,
    questions: Sequence[Question],
    ask: Callable[[Question], Awaitable[T]],
) -> list[T | ReplyError]:
    """What `ask` gives for each question, or why it has no answer; equal questions are asked once.

    Raises:
        BudgetError: The budget is spent; replies that were under way are recorded.
        ChatError: The model cannot be asked.
    """
    return run(_asked(chat, questions, ask))


async def _asked(
    chat: EndpointChat,
    questions: Sequence[Question],
    ask: Callable[[Question], Awaitable[T]],
) -> list[T | ReplyError]:
    async def one(question: Question) -> T | ReplyError | BudgetError:
        try:
            return await ask(question)
        except (ReplyError, BudgetError) as exc:
            return exc

    async with chat:
        once = dict.fromkeys(questions)
        tasks = {question: asyncio.ensure_future(one(question)) for question in once}
        try:
            await asyncio.gather(*tasks.values())
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
    found = [tasks[question].result() for question in questions]
    for answer in found:
        if isinstance(answer, BudgetError):
            raise answer
    return [answer for answer in found if not isinstance(answer, BudgetError)]
