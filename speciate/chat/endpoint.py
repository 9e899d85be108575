"""A model behind an endpoint: recorded, paid for, tried again, several requests at a time."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Self

from speciate.chat import Message, Reply, Request
from speciate.chat.account import Account
from speciate.chat.client import Client
from speciate.chat.key import key_of
from speciate.chat.record import Record
from speciate.chat.retrying import Sleep, retried
from speciate.chat.structured import in_words
from speciate.configs.chat import Endpoint
from speciate.errors import ReplyError
from speciate.records import digest_of

# Who waits for this has just started something.
_REACH_S, _REACH_RETRIES = 10.0, 2


class EndpointChat:
    """Implements `Chat` within `async with`, which may be entered again, in any event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        record: Record,
        account: Account,
        seed: int = 0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Connects when there is something to ask that is not recorded.

        Args:
            endpoint: Where and how to ask.
            record: Looked into before, and filled after, each request.
            account: Stops the asking.
            seed: Key of the pauses between tries.
            sleep: How to pause.
        """
        self._endpoint, self._record, self._account = endpoint, record, account
        self._seed, self._sleep = seed, sleep
        self._client: Client | None = None
        self._schemas = True

    async def __aenter__(self) -> Self:
        # What asyncio has belongs to one event loop.
        self._slots = asyncio.Semaphore(self._endpoint.concurrency)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()
        self._client = None

    async def ask(self, request: Request) -> Reply:
        """See `Chat.ask`.

        Raises:
            ConfigError: The API key is missing.
        """
        entry = self._entry(request)
        if found := self._record.get(entry):
            return found
        async with self._slots:
            with self._account.call():
                reply = await self._answer(request, digest_of(entry))
                self._account.add(reply.usage, self._endpoint.prices)
        self._record.put(entry, reply)
        return reply

    async def _answer(self, request: Request, digest: str) -> Reply:
        """The endpoint's reply; one that refuses schemas is told them in words."""
        if request.schema is None or not self._schemas:
            return await self._send(_in_words(request), digest)
        try:
            return await self._send(request, digest)
        except ReplyError:
            reply = await self._send(_in_words(request), digest)
            self._schemas = False
            return reply

    async def _send(self, request: Request, digest: str) -> Reply:
        if self._client is None:
            self._client = Client(self._endpoint, key_of(self._endpoint))
        client, body = self._client, self._body(request)
        retries = self._endpoint.retries
        return await retried(
            lambda: client.complete(body), retries, digest, self._seed, self._sleep
        )

    def _body(self, request: Request) -> dict[str, Any]:
        """What is sent, besides the endpoint's extra keys."""
        endpoint = self._endpoint
        sampling = {
            "temperature": endpoint.temperature,
            "max_tokens": endpoint.max_tokens,
            "seed": request.seed,
        }
        body: dict[str, Any] = {
            "model": endpoint.model,
            "messages": [asdict(message) for message in request.messages],
        }
        for key, value in sampling.items():
            if value is not None and key not in endpoint.omit and key not in endpoint.extra:
                body[key] = value
        if request.schema is not None:
            body["response_format"] = _format(request.schema)
        return body

    def _entry(self, request: Request) -> dict[str, Any]:
        """All that decides the reply, as it is recorded."""
        return {**self._body(request), "extra": self._endpoint.extra, "seed": request.seed}


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = str(schema.get("title", "reply"))
    wanted = {"name": name, "schema": dict(schema), "strict": True}
    return {"type": "json_schema", "json_schema": wanted}


def _in_words(request: Request) -> Request:
    """The request with its schema at the end of the last message."""
    if request.schema is None:
        return request
    *before, last = request.messages
    told = Message(last.role, f"{last.content}\n\n{in_words(request.schema)}")
    return replace(request, messages=(*before, told), schema=None)


async def reach(endpoint: Endpoint) -> None:
    """Sees whether the key is there, and somebody answers.

    Raises:
        ConfigError: The API key is missing.
        ChatError: Nobody answers, or the key is refused.
    """
    patience = min(_REACH_S, endpoint.timeout_s)
    client = Client(endpoint.model_copy(update={"timeout_s": patience}), key_of(endpoint))
    try:
        await retried(client.reach, min(_REACH_RETRIES, endpoint.retries), "reach")
    finally:
        await client.close()
