"""Conversations of one step: all at once, each bounded in time, none of them an error."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from speciate.agents.talk import FruitlessError, Talk
from speciate.agents.wording import shown
from speciate.chat import Chat
from speciate.chat.account import Account, cost
from speciate.chat.batch import run
from speciate.chat.endpoint import EndpointChat
from speciate.chat.record import Record
from speciate.configs.agents import Agents
from speciate.configs.chat import Recording
from speciate.counsel.arms import Arm
from speciate.counsel.journal import Answer, Journal
from speciate.errors import BudgetError, ReplyError, SpeciateError

_HEEDED_S = 0.2


class Said(NamedTuple):
    """What came out of a conversation: JSON values, and the conversation."""

    result: Mapping[str, Any]
    talk: Talk


@dataclass(frozen=True)
class Question:
    """Something to ask an agent.

    Attributes:
        arm: Who is asked.
        ask: Asks, and gives what came of it.
        genome: Name of the prompt and the sampling that are used.
        temperature: Of the sampling; the endpoint's if not given.
        number: Of the proposal that it is about, if it is about one.
    """

    arm: Arm
    ask: Callable[[Chat], Awaitable[Said]]
    genome: str
    temperature: float | None = None
    number: int | None = None


class Asker:
    """Asks the endpoints of a campaign, within its budget."""

    def __init__(
        self,
        config: Agents,
        journal: Journal,
        folder: Path,
        seed: int,
        heed: Callable[[], None] = lambda: None,
    ) -> None:
        """Counts what was spent before; connects when there is something to ask.

        Args:
            config: The section of agents.
            journal: Where conversations are kept.
            folder: Of replies.
            seed: The campaign's.
            heed: Called now and then while agents are silent; raises what ends the asking.
        """
        self._config, self._journal, self._seed, self._heed = config, journal, seed, heed
        self._record = Record(Recording(folder=str(folder.absolute())))
        self._endpoints = {one.title: one for one in config.endpoints}
        spent = journal.spent
        self._account = Account(config.budget, spent.replies, spent.tokens, spent.money)

    def answers(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """An answer to each question, in order; why there is none is an answer too."""
        return tuple(run(self._all(questions))) if questions else ()

    async def _all(self, questions: Sequence[Question]) -> list[Answer]:
        asking = asyncio.gather(*map(self._one, questions))
        while not asking.done():
            # Replies that came are in the folder: nothing is asked twice for.
            self._heed()
            await asyncio.wait([asking], timeout=_HEEDED_S)
        return asking.result()

    async def _one(self, question: Question) -> Answer:
        try:
            async with asyncio.timeout(self._config.patience_s), self._chat(question) as chat:
                said = await question.ask(chat)
        except FruitlessError as exc:
            return self._answer(question, exc.talk, error=str(exc))
        except TimeoutError:
            silent = f"no answer within {self._config.patience_s:g} s"
            return self._answer(question, None, error=silent, silent=True)
        except (BudgetError, ReplyError) as exc:
            # No fault of the endpoint, which may answer others.
            return self._answer(question, None, error=str(exc))
        except SpeciateError as exc:
            return self._answer(question, None, error=str(exc), silent=True)
        return self._answer(question, said.talk, result=said.result)

    def _chat(self, question: Question) -> EndpointChat:
        endpoint = self._endpoints[question.arm.endpoint]
        if question.temperature is not None:
            endpoint = endpoint.model_copy(update={"temperature": question.temperature})
        return EndpointChat(endpoint, self._record, self._account, self._seed)

    def _answer(
        self,
        question: Question,
        talk: Talk | None,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        *,
        silent: bool = False,
    ) -> Answer:
        usage = talk.usage if talk else None
        prices = self._endpoints[question.arm.endpoint].prices
        return Answer(
            arm=str(question.arm),
            number=question.number,
            genome=question.genome,
            talk=self._journal.keep(talk.to_json()) if talk else "",
            replies=talk.replies if talk else 0,
            tokens=usage.input + usage.output if usage else 0,
            money=cost(usage, prices) if usage else 0.0,
            result=result,
            error=None if error is None else shown(error),
            silent=silent,
        )
