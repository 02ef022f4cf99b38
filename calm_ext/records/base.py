"""What all records share: frozen, unknown keys refused."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from calm_ext.languages import code_hint, is_language

#: A BCP-47 language code, known here or not.
LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

#: Options of a question at most: tables of the answers have a column for each.
MOST_OPTIONS = 1000

Prompt = str | list[dict[str, str]]

#: For each option of a question what else it is called in a language.
Names = list[list[str]]


def _identity(value: Any) -> Any:
    """An id that is a whole number as a text; anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def option_index(value: Any) -> Any:
    """The index of an option that people write in several ways: ``2``, ``2.0``, ``"2"``, ``"C"`` or ``"c"``; or None.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        if len(text) == 1 and "A" <= text.upper() <= "Z":
            return ord(text.upper()) - ord("A")
        if re.fullmatch(r"-?\d{1,9}(\.0+)?", text, re.ASCII):
            return int(float(text))
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError("the number of an option (0, 1, …), its letter or null was expected")


#: The id of a question; whole numbers become texts.
Identity = Annotated[str, BeforeValidator(_identity)]
#: The index of an option, or None; see :func:`option_index`.
MaybeIndex = Annotated[int | None, BeforeValidator(option_index)]


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, NaN and infinity refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


def check_names(names: Names, n_options: int, what: str) -> None:
    """Refuse names that do not fit the options.

    Raises:
        ValueError: there is not one list for each option, or a name is empty.
    """
    if len(names) != n_options:
        raise ValueError(
            f"{what}: {len(names)} lists of names for {n_options} options; give [] to an option without any"
        )
    for index, own in enumerate(names):
        if not all(name.strip() for name in own):
            raise ValueError(f"{what}: a name of option {index} is empty")


def check_language(code: str) -> None:
    """Refuse a code that is not in the form in which this project writes it.

    Raises:
        ValueError: the language is unknown, or its code is written in another form.
    """
    # Strict, so that all files of a run write a language in one way; the hint tells which.
    if not is_language(code):
        raise ValueError(f"unknown language {code!r}{code_hint(code)}; `calm-ext languages` lists the known ones")
