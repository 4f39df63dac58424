"""One HTML file that needs nothing else: a template, one style, one script, and a policy that lets nothing else in.

The policy (`Content-Security-Policy`) names the style and the script by their hashes. Whatever a hostile file name or
reason might smuggle into the page, a browser runs nothing that is not one of them, and asks no other machine for anything.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import jinja2
from markupsafe import Markup

from vhashdb.text import brief_clock, counted, printable
from vhashdb.version import __version__

PACKAGE: Final = "vhashdb.report"
BASE_STYLE: Final = "base.css"
BASE_SCRIPT: Final = "base.js"


def render(template: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = (), **values: Any) -> str:
    """Render a whole page, as text.

    Args:
        template: one of this package's templates; it extends ``base.html.j2``.
        styles: the style sheets of this package it needs besides `BASE_STYLE`; they become one.
        scripts: the same of scripts, besides `BASE_SCRIPT`; the page has to be readable without them.
        values: what the template is about; text in it is escaped.
    """
    style, script = _joined([BASE_STYLE, *styles]), _joined([BASE_SCRIPT, *scripts])
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = environment().get_template(template)
    return page.render(style=Markup(style), script=Markup(script), policy=policy, version=__version__, **values)  # noqa: S704  # own files


def render_part(template: str, *, styles: Sequence[str] = (), **values: Any) -> str:
    """Render a template that is no page of its own, with a style made of these sheets."""
    return environment().get_template(template).render(style=Markup(_joined(styles)), **values)  # noqa: S704  # own files


def fill(template: str, package: str, **values: Any) -> str:
    """Render a template of another package, which may use those of this one; style and script are files of their own there."""
    return environment(package).get_template(template).render(version=__version__, **values)


def joined(names: Sequence[str], package: str) -> str:
    """Return style sheets or scripts of another package, and of this one, as one text."""
    return _joined(names, environment(package))


@functools.cache
def environment(package: str = "") -> jinja2.Environment:
    """Return the templates of this package, and of another one that uses them.

    Everything they show is escaped, and a name that is not there is an error.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (package, PACKAGE) if name]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": brief_clock,
        "counted": counted,
        "printable": printable,
        "short": short,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    return made


def short(value: float, digits: int = 2) -> str:
    """Return a number in as few characters as say it."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def _joined(names: Sequence[str], env: jinja2.Environment | None = None) -> str:
    env = env or environment()
    assert env.loader is not None
    return "\n".join(env.loader.get_source(env, name)[0].rstrip() for name in names) + "\n"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
