"""Judge: a language model says how good answers are."""

from collections.abc import Sequence
from itertools import chain
from typing import NoReturn

from speciate.chat import Message
from speciate.chat.account import Account
from speciate.chat.batch import asked, run
from speciate.chat.endpoint import EndpointChat, reach
from speciate.chat.record import Record
from speciate.chat.structured import ask_for
from speciate.configs.section import Section
from speciate.configs.tasks import judge as section
from speciate.errors import ChatError, EvaluationError, ReplyError
from speciate.evaluator import Engine, Tokens
from speciate.evaluator.tasks.generation import answers
from speciate.evaluator.tasks.item import render
from speciate.evaluator.tasks.judging import MODES, JudgeItem, Mode, template
from speciate.evaluator.tokenizer import Tokenizer
from speciate.records import Score


class Judge:
    """Mean of a judge's verdicts, each in [0, 1]."""

    higher_is_better = True
    item = JudgeItem

    def __init__(
        self, task: section.Judge, items: Sequence[JudgeItem], tokenizer: Tokenizer
    ) -> None:
        """Tokenises the prompts once for all models."""
        self._task, self._items, self._tokenizer = task, items, tokenizer
        self._mode: Mode = MODES[task.mode](task)
        self.metric = self._mode.metric
        encode = tokenizer.encode_rendered if task.chat else tokenizer.encode
        self._prompts = [encode(render(item.prompt, tokenizer, task.chat)) for item in items]
        self.lengths = [len(prompt) + task.max_tokens for prompt in self._prompts]
        # One for all models, so that the budget is for all of them.
        self._chat = EndpointChat(task.endpoint, Record(task.record), Account(task.budget))

    def score(self, engine: Engine) -> Score:
        """Of the engine's present model; an item's value is the mean of its repeats.

        Raises:
            EvaluationError: About some answers the judge gives no verdict.
            ChatError: The judge cannot be asked, or gives no verdict on any answer.
        """
        return self.score_items(engine, range(len(self._items)))

    def score_items(self, engine: Engine, items: Sequence[int]) -> Score:
        """See `Partial`; raises what `score` does."""
        repeats = answers(engine, self._prompts, self._task, self._tokenizer, items)
        prompts = [
            self._mode.prompts(self._items[index], text)
            for texts in repeats
            for index, text in zip(items, texts, strict=True)
        ]
        values = [self._mode.value(verdicts) for verdicts in self._judged(prompts, items)]
        count = len(items)
        means = (sum(values[place::count]) / len(repeats) for place in range(count))
        return Score(self.metric, tuple(means))

    @property
    def probes(self) -> Sequence[Tokens]:
        """The prompts; see `Probing`."""
        return self._prompts

    def _judged(
        self, prompts: Sequence[tuple[str, ...]], items: Sequence[int]
    ) -> list[list[Section]]:
        """The verdicts on all answers: to all of these items, and then again to all of them."""
        found = asked(self._chat, list(chain.from_iterable(prompts)), self._verdict)
        size = len(prompts[0])
        errors = [(n // size, one) for n, one in enumerate(found) if isinstance(one, ReplyError)]
        if errors:
            self._give_up(errors, len(prompts), items)
        verdicts = [one for one in found if not isinstance(one, ReplyError)]
        return [verdicts[start : start + size] for start in range(0, len(verdicts), size)]

    async def _verdict(self, prompt: str) -> Section:
        messages = [Message("user", prompt)]
        return (await ask_for(self._chat, messages, self._mode.verdict, self._task.tries)).value

    def _give_up(
        self, errors: Sequence[tuple[int, ReplyError]], count: int, items: Sequence[int]
    ) -> NoReturn:
        """Tells a judge that cannot judge from answers that cannot be judged.

        A few of the items tell nothing of the judge, who has judged others in full before.
        """
        number, error = errors[0]
        every = len({answer for answer, _ in errors}) == count
        if every and len(items) == len(self._items):
            raise ChatError(f"task '{self._task.name}' has no usable judge: {error}") from error
        # Archived: what the endpoint says may differ from one time to the next.
        item = items[number % len(items)] + 1
        raise EvaluationError(
            f"task '{self._task.name}': the judge gives no verdict on item {item}"
        ) from error

    @staticmethod
    def check_machine(task: section.Judge) -> None:
        """Before anything is started: whether there is a key, and somebody answers.

        Raises:
            ConfigError: The environment variable of the key is not set.
            ChatError: Nobody answers, or the key is refused.
        """
        if not task.record.replay:
            run(reach(task.endpoint))

    @staticmethod
    def depends_on(task: section.Judge) -> object:
        """What scores depend on besides settings and items: the words of the prompts."""
        return template(task.mode)

    @staticmethod
    def fitness(value: float) -> float:
        """The mean."""
        return value
