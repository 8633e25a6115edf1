"""HTML of a page, from its plain values: one string that refers to nothing outside itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reluprobe.report.page import images

#: The parts of its own script.
PARTS = ("spec.js", "charts.js", "report.js")


def html(model: dict[str, Any], charts_script: Callable[[], str]) -> str:
    """The page, every text escaped; scripts other than its own are forbidden to run in it.

    Args:
        model: what it says.
        charts_script: gives the script that draws charts; see :mod:`reluprobe.report.page.vega`.
    """
    environment = Environment(
        loader=PackageLoader("reluprobe.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters["inline"] = images.inline
    drawn = bool(model["leading"] or model["figures"])
    scripts = [*([charts_script()] if drawn else []), "".join(map(_part, PARTS))]
    return environment.get_template("report.html").render(
        model,
        scripts=[Markup(script) for script in scripts],
        digests=[_digest(script) for script in scripts],
        style=Markup(_part("report.css")),
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _part(name: str) -> str:
    file = resources.files("reluprobe.report.page") / "templates" / name
    return file.read_text(encoding="utf-8")
