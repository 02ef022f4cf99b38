"""The cells of a benchmark's rows by their columns, or as templates put them together."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from calm_ext.data.tables import Cells
from calm_ext.errors import DataError

if TYPE_CHECKING:
    import jinja2


class Values:
    """What a row's expressions are made of.

    Args:
        cell: the row.
        around: what templates see besides: ``code``, ``language`` and ``words``.
    """

    def __init__(self, cell: Cells, around: Mapping[str, Any]) -> None:
        self.cell = cell
        self._names = {**cell.row, "row": cell.row, "file": cell.beside, "part": cell.part, **around}

    def text(self, expression: str) -> str:
        """The value as text."""
        return plain(self.value(expression))

    def value(self, expression: str) -> Any:
        """The value of a column, of a key within one (``choices.text``), or the text of a template.

        Raises:
            DataError: there is no such column, or the template does not work on this row.
        """
        import jinja2

        if "{{" not in expression and "{%" not in expression:
            return self._column(expression)
        where = f"{self.cell.where}: {expression}"
        try:
            return _template(expression).render(self._names)
        except jinja2.UndefinedError as error:
            name = re.match(r"'(\w+)' is undefined", str(error))
            raise DataError(f"{where}: {error}; {self._there(name[1] if name else '')}") from None
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, re.error) as error:
            raise DataError(f"{where}: {error}") from None

    def _column(self, name: str) -> Any:
        row = self.cell.row
        if name in row:
            return row[name]
        if name == "part":
            return self.cell.part
        first, *rest = name.split(".")
        value = row.get(first)
        if not rest or first not in row:
            raise DataError(f"{self.cell.where}: has no column {name!r}; {self._there(first)}")
        for key in rest:
            if not isinstance(value, Mapping) or key not in value:
                keys = f"; it has {', '.join(map(str, value))}" if isinstance(value, Mapping) else ", it holds no keys"
                raise DataError(f"{self.cell.where}: column {first!r} has no {key!r}{keys}")
            value = value[key]
        return value

    def _there(self, name: str) -> str:
        """What columns there are, the nearest one first."""
        columns = [str(x) for x in self.cell.row]
        near = difflib.get_close_matches(name, columns, n=1)
        return (f"did you mean {near[0]!r}? " if near else "") + f"its columns: {', '.join(columns)}"


def plain(value: Any) -> str:
    """A cell as text: nothing for None and NaN, whole numbers without a point.

    >>> [plain(x) for x in (None, float("nan"), 3.0, 0.5, "a", True)]
    ['', '', '3', '0.5', 'a', 'True']
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value)


@lru_cache(maxsize=512)
def _template(text: str) -> jinja2.Template:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=_shown)
    environment.filters["resub"] = lambda value, pattern, new: re.sub(pattern, new, plain(value))
    environment.filters["trim"] = lambda value, chars=None: plain(value).strip(chars)
    return environment.from_string(text)


def _shown(value: Any) -> Any:
    """An empty cell shows nothing in a template."""
    return plain(value) if value is None or isinstance(value, float) else value


def substituted(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The text after the substitutions, without white space around it.

    >>> substituted(" Cut [x] the [title] hair ", [(r" \\[title\\]", "."), (r"\\[.*?\\]", ""), ("  ", " ")])
    'Cut the. hair'
    """
    text = text.strip()
    for pattern, new in pairs:
        text = re.sub(pattern, new, text)
    return text.strip()
