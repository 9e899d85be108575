"""One server that speaks OpenAI's protocol, over HTTP. Nobody else imports openai.

What goes wrong is told in our own words and without its cause, which may hold the API key.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from speciate.chat import Reply, Usage
from speciate.chat.key import Key
from speciate.chat.retrying import Busy
from speciate.configs.chat import Endpoint
from speciate.errors import ChatError, ReplyError

_REFUSED = (400, 413, 422)
_BUSY = (408, 409, 425, 429)
_LONGEST_QUOTE = 300


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Completion(BaseModel):
    """What we need of a reply; servers add much else."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class Client:
    """Connections to one endpoint, for one event loop."""

    def __init__(self, endpoint: Endpoint, key: Key) -> None:
        """Connects when first asked."""
        # Here, not above: it takes a second, and recorded replies need no connection.
        import openai

        self._openai = openai
        self._endpoint, self._key = endpoint, key
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            # None would be replaced by OPENAI_API_KEY, which is not for every endpoint.
            api_key=key.reveal() or "EMPTY",
            timeout=endpoint.timeout_s,
            max_retries=0,
        )

    async def complete(self, body: Mapping[str, Any]) -> Reply:
        """The reply to the body of a request.

        Raises:
            Busy: The endpoint may answer later.
            ReplyError: It refuses this request.
            ChatError: It refuses all requests.
        """
        create: Any = self._client.chat.completions.with_raw_response.create
        extra = self._endpoint.extra
        async with self._translated():
            answer = await create(**body, extra_body=extra or None)
        text: str = answer.text
        try:
            return self._reply(_Completion.model_validate_json(text), body)
        except ValidationError:
            raise Busy(f"{self._where} answers with something else than a completion") from None

    async def reach(self) -> None:
        """Asks for the list of models, to see whether anybody answers.

        Raises:
            Busy: Nobody does.
            ChatError: The key is refused.
        """
        # Some have no such list.
        with suppress(_UnknownError, ReplyError):
            async with self._translated():
                await self._client.models.with_raw_response.list()

    async def close(self) -> None:
        """Drops the connections."""
        await self._client.close()

    @property
    def _where(self) -> str:
        return f"endpoint '{self._endpoint.title}' at {self._endpoint.base_url}"

    def _reply(self, completion: _Completion, body: Mapping[str, Any]) -> Reply:
        choice = completion.choices[0]
        text = self._key.hidden(choice.message.content or choice.message.refusal or "")
        if completion.usage:
            usage = Usage(completion.usage.prompt_tokens, completion.usage.completion_tokens)
        else:
            # Budgets must end also where nothing is said; four characters a token are usual.
            asked = sum(len(message["content"]) for message in body["messages"])
            usage = Usage(asked // 4 + 1, len(text) // 4 + 1)
        return Reply(text, usage, whole=choice.finish_reason != "length")

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        """Errors of the library as ours."""
        silent = f"{self._where} is silent for {self._endpoint.timeout_s:g} s"
        try:
            # The library's own limit begins anew with every byte that comes.
            async with asyncio.timeout(self._endpoint.timeout_s):
                yield
        except (TimeoutError, self._openai.APITimeoutError):
            raise Busy(silent) from None
        except self._openai.APIConnectionError as exc:
            raise Busy(f"{self._where} cannot be reached ({self._quoted(exc.__cause__)})") from None
        except self._openai.APIStatusError as exc:
            after = _seconds(exc.response.headers.get("retry-after"))
            raise self._of_status(exc.status_code, self._said(exc.body), after) from None

    def _of_status(self, status: int, said: str, after_s: float) -> Exception:
        what = f"{self._where} answers {status}" + (f" ({said})" if said else "")
        if status in _BUSY or status >= 500:
            return Busy(what, after_s)
        if status in _REFUSED:
            return ReplyError(what)
        if status in (401, 403):
            name = self._endpoint.api_key_env
            remedy = f"check the key in {name}" if name else "name its key's variable: api_key_env"
            return ChatError(f"{what}; {remedy}")
        remedy = f"check base_url and whether it has the model '{self._endpoint.model}'"
        return (_UnknownError if status in (404, 405) else ChatError)(f"{what}; {remedy}")

    def _said(self, body: object) -> str:
        """What the body of an error says, which may be anything."""
        while isinstance(body, Mapping):
            body = next((body[key] for key in ("message", "error", "detail") if body.get(key)), "")
        return self._quoted(body) if isinstance(body, str) else ""

    def _quoted(self, text: object) -> str:
        """One short line without key and control characters."""
        line = self._key.hidden(str(text))
        line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]} ..."


class _UnknownError(ChatError):
    """The server knows no such path or model."""


def _seconds(header: str | None) -> float:
    """Of a Retry-After header; it may be a date, too, which is left aside."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
