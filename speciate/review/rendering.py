"""Pages as HTML: every value is escaped, and what browsers hide becomes visible."""

import secrets
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from speciate.review.sheet import Entry, decided
from speciate.review.trials import rows
from speciate.review.visible import lines

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: with it, browsers do not say where a form comes from either.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def render(template: str, status: int, **values: Any) -> Response:  # noqa: ANN401
    """A page that may load nothing, run nothing and send forms only to where it comes from."""
    nonce = secrets.token_urlsafe(16)
    html = _TEMPLATES.get_template(template).render(nonce=nonce, **values)
    policy = f"{_POLICY}; style-src 'nonce-{nonce}'"
    return guarded(HTMLResponse(html, status, {"Content-Security-Policy": policy}))


def guarded(response: Response) -> Response:
    """The response with headers that keep other sites out."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.update(_HEADERS)
    return response


def _shown(value: object) -> object:
    """What an expression in a template prints; what was escaped by hand stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "\n".join(lines(value))
    return value


def _predicted(entry: Entry) -> str:
    return _fitness(entry.draft.origin.prediction if entry.draft.origin else None)


def _fitness(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


_TEMPLATES = Environment(
    loader=PackageLoader("speciate.review"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
)
_TEMPLATES.filters |= {
    "predicted": _predicted,
    "fitness": _fitness,
    "decision": decided,
    "facts": lambda trials: list(rows(trials)),
}
