"""The environment of the HTML templates: everything that is put in is escaped, nothing may be undefined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.files.shown import visible
from calm_ext.report.words import NONE, duration, number, p_value, percent, small

if TYPE_CHECKING:
    import jinja2


def _written_out(value: Any) -> Any:
    """Texts without characters that a browser obeys; what is HTML already was made from such texts."""
    return visible(value) if type(value) is str else value


def environment(*folders: Path) -> jinja2.Environment:
    """The environment of the templates in some folders, with the formats of :mod:`calm_ext.report.words` as filters."""
    import jinja2

    loader = jinja2.FileSystemLoader(folders)
    env = jinja2.Environment(
        loader=loader,
        autoescape=True,
        finalize=_written_out,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["dash"] = NONE
    env.filters.update(number=number, percent=percent, duration=duration, p=p_value, small=small)
    return env
