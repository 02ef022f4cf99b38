"""The words of a refusal: what was expected instead, in plain English, and the known name that is nearest."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from calm_ext.files.decode import short
from calm_ext.files.secrets import mask

#: What other programs call it.
_ELSEWHERE = {
    "fp16": ("float16",), "half": ("float16",), "bf16": ("bfloat16",), "fp32": ("float32",), "float": ("float32",),
    "gpu": ("cuda",), "samples": ("n",), "num_samples": ("n",), "num_return_sequences": ("n",),
    "shots": ("num_fewshot",),
    "rank": ("lora_r",), "alpha": ("lora_alpha",), "model_name": ("path",), "pretrained": ("path",),
    "max_gen_toks": ("max_new_tokens",), "langs": ("languages",), "list": ("ls",),
}  # fmt: skip

#: The kinds of pydantic's errors whose words are ours: {…} are the error's own values.
_WORDS = {
    "missing": "missing",
    "int_type": "a whole number was expected", "int_parsing": "a whole number was expected",
    "int_from_float": "a whole number was expected",
    "float_type": "a number was expected", "float_parsing": "a number was expected",
    "finite_number": "a finite number was expected",
    "bool_type": "true or false was expected", "bool_parsing": "true or false was expected",
    "string_type": "a text was expected", "list_type": "a list was expected", "tuple_type": "a list was expected",
    "dict_type": "keys with values were expected", "mapping_type": "keys with values were expected",
    "model_type": "keys with values were expected", "model_attributes_type": "keys with values were expected",
    "too_short": "needs at least {min_length} items, has {actual_length}",
    "too_long": "takes at most {max_length} items, has {actual_length}",
    "string_too_short": "is empty",
    "greater_than_equal": "at least {ge} was expected", "greater_than": "more than {gt} was expected",
    "less_than_equal": "at most {le} was expected", "less_than": "less than {lt} was expected",
}  # fmt: skip


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is near.

    >>> nearest("lr", ["beta", "learning_rate"]), nearest("num_epochs", ["epochs", "seed"]), nearest("x", ["beta"])
    ('learning_rate', 'epochs', None)
    """
    names = list(known)
    plain: dict[str, str] = {}
    for one in names:
        plain.setdefault(one.casefold().replace("-", "_"), one)
    wanted = name.strip().casefold().replace("-", "_")
    if wanted in plain:
        return plain[wanted]
    for other in _ELSEWHERE.get(wanted, ()):
        if other in names:
            return other
    close = difflib.get_close_matches(wanted, plain, n=1, cutoff=0.65)
    if close:
        return plain[close[0]]
    parts = re.split(r"[_.]", wanted)
    for key, original in plain.items():
        if len(wanted) > 1 and "".join(word[:1] for word in key.split("_")) == wanted:
            return original
        if len(key) > 3 and key in parts:
            return original
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` where a known name is near, else nothing."""
    found = nearest(name, known)
    return f" (did you mean {found!r}?)" if found else ""


def beside(path: Path) -> str:
    """``; did you mean x?`` where a file or folder of nearly this name is in the same folder, else nothing."""
    try:
        names = sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))
    except (OSError, ValueError):
        return ""
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return f"; did you mean {path.with_name(close[0])}?" if close else ""


def expected(error: Mapping[str, Any]) -> str:
    """What pydantic found wrong with a value, in words, without its place.

    Args:
        error: of ``ValidationError.errors()``.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
        value = error["input"]
        hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
        return f"{one_of(allowed)} was expected{hint}"
    if kind in _WORDS:
        return _WORDS[kind].format(**{k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()})
    message = str(error["msg"]).removeprefix("Value error, ")
    return message if kind == "value_error" else message[:1].lower() + message[1:]


def one_of(names: Iterable[str]) -> str:
    """Names to choose from.

    >>> one_of(["a", "b", "c"])
    'a, b or c'
    """
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def got(value: Any) -> str:
    """``, got …``: the value that was given, shortened, without secrets."""
    return f", got {short(mask(repr(value)))}"
