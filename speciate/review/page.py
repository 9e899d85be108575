"""The review page: the same functions as on the command line, for one person's browser."""

import secrets
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from speciate.archive.archive import Archive
from speciate.archive.drafts import Verdict
from speciate.errors import SpeciateError, UsageError
from speciate.review.deciding import decide, edit
from speciate.review.editing import as_toml, from_text
from speciate.review.rendering import guarded, render
from speciate.review.sheet import entries, sheet

_MOST = 1 << 20  # Bytes of a form.
_VERDICTS: Mapping[str, Verdict] = {"approve": "approve", "reject": "reject"}
Form = Mapping[str, str]


def application(archive: Archive, token: str) -> Starlette:
    """The pages of one archive below `/TOKEN/`; who does not know the token learns nothing."""
    pages = _Pages(archive, token)
    routes = [
        Route("/{token}/", pages.everything),
        Route("/{token}/{number:int}", pages.show),
        Route("/{token}/{number:int}", pages.decide, methods=["POST"]),
    ]
    # A site whose name comes to mean this machine still has its own name.
    hosts = Middleware(TrustedHostMiddleware, ["127.0.0.1", "localhost"], www_redirect=False)
    return Starlette(
        routes=routes, middleware=[hosts], exception_handlers={HTTPException: _refusal}
    )


class _Pages:
    """The archive is read by one request at a time."""

    def __init__(self, archive: Archive, token: str) -> None:
        self._archive, self._token, self._lock = archive, token, Lock()

    def everything(self, request: Request) -> Response:
        """All proposals."""
        self._admit(request.path_params["token"])

        def page() -> Response:
            found = entries(self._archive, decided=True)
            waits = [one for one in found if one.decision is None]
            done = [one for one in found if one.decision]
            frame = self._frame(len(waits))
            return render("list.html", 200, **frame, open=waits, decided=done[::-1])

        return self._answer(page)

    def show(self, request: Request) -> Response:
        """One proposal."""
        self._admit(request.path_params["token"])
        return self._answer(lambda: self._proposal(request.path_params["number"]))

    async def decide(self, request: Request) -> Response:
        """Approves, rejects or edits; only a form of our own page can."""
        form = await _form(request)
        self._admit(request.path_params["token"])
        self._admit(form.get("token", ""))
        if request.headers.get("origin", own := _origin(request)) != own:
            raise HTTPException(403)
        number = request.path_params["number"]
        return await run_in_threadpool(self._answer, lambda: self._decided(number, form))

    def _decided(self, number: int, form: Form) -> Response:
        try:
            self._record(number, form)
        except SpeciateError as error:
            return self._proposal(number, 400, str(error), form)
        return guarded(RedirectResponse("./", 303))

    def _record(self, number: int, form: Form) -> None:
        action, reason = form.get("action", ""), form.get("reason", "").strip()
        if verdict := _VERDICTS.get(action):
            decide(self._archive, [number], verdict, reason)
        elif action == "edit":
            recipe = from_text(form.get("recipe", ""), "what you wrote", self._archive)
            edit(self._archive, number, recipe, reason)
        else:
            raise UsageError("a decision is one of approve, reject and edit; nothing is recorded")

    def _proposal(
        self, number: int, status: int = 200, error: str = "", form: Form | None = None
    ) -> Response:
        given = form or {}
        found = sheet(self._archive, number)
        recipe = as_toml(found.entry.draft.recipe, self._archive.individuals)
        waits = list(self._archive.drafts.waiting())
        return render(
            "proposal.html",
            status,
            **self._frame(len(waits), error),
            sheet=found,
            token=self._token,
            reason=given.get("reason", ""),
            recipe=given.get("recipe", recipe),
            recipe_given="recipe" in given,
            next=next((other for other in waits if other > number), None),
        )

    def _frame(self, waiting: int, error: str = "") -> dict[str, Any]:
        """What all pages show."""
        archive = self._archive
        return {
            "campaign": archive.config.get("name", ""),
            "step": archive.state.step if archive.state else 0,
            "waiting": waiting,
            "reviewer": archive.drafts.reviewer(),
            "error": error,
        }

    def _answer(self, page: Callable[[], Response]) -> Response:
        with self._lock:
            try:
                self._archive.refresh()
                return page()
            except SpeciateError as error:
                frame = {"campaign": "", "step": "", "waiting": "", "reviewer": ""}
                status = 404 if isinstance(error, UsageError) else 500
                return render("error.html", status, **frame, error=str(error))

    def _admit(self, token: str) -> None:
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            raise HTTPException(404)


async def _form(request: Request) -> Form:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST:
            raise HTTPException(413)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=8)
    except ValueError as error:
        raise HTTPException(400) from error
    return {name: values[0].replace("\r\n", "\n") for name, values in fields.items()}


def _origin(request: Request) -> str:
    return f"http://{request.headers['host']}"


def _refusal(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return guarded(PlainTextResponse("refused", status))
