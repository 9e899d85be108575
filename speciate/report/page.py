"""The page as one file that loads nothing: texts are escaped, scripts run by their hashes."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from speciate.review.visible import lines

MARK = "<!doctype html>\n<!-- report of speciate -->"
"""How each report begins, and by which it is known again."""
_SCRIPTS = (
    "colours",
    "words",
    "pen",
    "view",
    "kinds",
    "paint",
    "tree",
    "details",
    "charts",
    "page",
)
_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}


def render(data: dict[str, Any], **values: Any) -> str:  # noqa: ANN401
    """The page.

    Args:
        data: JSON values for the scripts.
        values: What the template names.
    """
    # Carriage returns would be read as line feeds, and the hash be another.
    plotly, ours = get_plotlyjs().replace("\r", ""), _scripts()
    scripts = [plotly, ours]
    # Styles may stand inline, for plotly sets its own: without addresses they cannot tell anybody.
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data: blob:; "
        f"style-src 'unsafe-inline'; script-src {' '.join(map(_hash, scripts))}"
    )
    return _TEMPLATES.get_template("report.html").render(
        mark=Markup(MARK),  # noqa: S704
        policy=policy,
        styles=Markup(_read("report.css")),  # noqa: S704
        data=embedded(data),
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        **values,
    )


def embedded(data: Any) -> Markup:  # noqa: ANN401
    """JSON as it may stand in a page: nothing in it can end its element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_ESCAPES))  # noqa: S704


def _scripts() -> str:
    parts = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _read(name: str) -> str:
    return (files("speciate.report") / "templates" / name).read_text()


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _shown(value: object) -> object:
    """What an expression in the template prints; what is hidden in it becomes visible."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "\n".join(lines(value))
    return value


_TEMPLATES = Environment(
    loader=PackageLoader("speciate.report"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
)
