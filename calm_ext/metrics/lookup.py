"""From what a person calls a metric to its code: code and plain name are both taken wherever a metric is named."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from calm_ext.errors import CalmError
from calm_ext.files.decode import short
from calm_ext.files.expected import nearest
from calm_ext.languages import is_language
from calm_ext.languages.codes import called
from calm_ext.metrics.names import DESCRIPTIONS, PLAIN, TWINS, family_of, metric_label, metric_name

#: The metrics of a whole set of languages, and their twins by a second score.
CODES = tuple(m for m in DESCRIPTIONS if "<" not in m)

#: How people begin to name a metric of one language -> its family.
_FAMILIES = {"accuracy": "acc", "acc": "acc", "transfer": "transfer", "answers": "fidelity", "fidelity": "fidelity"}
_OF_LANGUAGE = re.compile(rf"({'|'.join(_FAMILIES)})(?:,| in| to| of|:)? +[(]?(.+?)[)]?")


def metric_code(name: str, known: Collection[str]) -> str | None:
    """The metric that a code or a plain name means, of those known; None where it is none of them.

    >>> metric_code("Accuracy, English (en)", ["acc", "acc_en"]), metric_code("acc", ["acc"]), metric_code("x", ["acc"])
    ('acc_en', 'acc', None)
    >>> metric_code("accuracy in French", ["acc_fr"]), metric_code("Fleiss' kappa", ["kappa"])
    ('acc_fr', 'kappa')
    """
    if name in known:
        return name
    wanted = _plain(name)
    for metric in known:
        if wanted in map(
            _plain, (metric, metric_name(metric), metric_label(metric), f"{metric} ({metric_name(metric)})")
        ):
            return metric
    found = _OF_LANGUAGE.fullmatch(wanted)
    code = called(found[2]) if found else None
    metric = f"{_FAMILIES[found[1]]}_{code}" if found and code else ""
    return metric if metric in known else None


def require_metric(name: str, known: Collection[str] | None = None) -> str:
    """The code of a metric.

    Args:
        known: those that there are; every one that can be where nothing has been read yet.

    Raises:
        CalmError: there is no such metric; the message names the nearest, by code and plain name.
    """
    found = metric_code(name, CODES if known is None else known)
    if found is None and known is None:
        found = metric_code(name, _of_languages(name)) or (name if _is_twin(name) else None)
    if found is not None:
        return found
    there = listed(CODES if known is None else known)
    raise CalmError(f"no metric {short(name)!r}{metric_hint(name, known)}; there are {there}")


def metric_hint(name: str, known: Iterable[str] | None = None) -> str:
    """`` (did you mean 'acc', accuracy?)`` where a metric is near, by its code or its plain name; else nothing."""
    codes = list(CODES if known is None else known)
    by_name = {metric_name(m): m for m in reversed(codes)}
    meant = nearest(name, codes)
    if meant is None or _plain(name)[:1] != meant[:1]:
        close = nearest(name, by_name)
        meant = by_name[close] if close else meant
    if meant is None:
        return ""
    words = metric_name(meant)
    return f" (did you mean {meant!r}{f', {words}' if words != meant else ''}?)"


def listed(metrics: Iterable[str]) -> str:
    """Metrics by code with their plain names.

    >>> listed(["acc", "consistency"])
    'acc (accuracy), consistency'
    """
    return ", ".join(m if metric_name(m) == m else f"{m} ({metric_name(m)})" for m in metrics)


def _of_languages(name: str) -> list[str]:
    """The metric of one language that a name means, where its language is one."""
    if family_of(name)[0] and is_language(family_of(name)[1]):
        return [name]
    found = re.search(r"\(([A-Za-z-]+)\)$", name.strip())
    named = _OF_LANGUAGE.fullmatch(_plain(name))
    code = found[1] if found else called(named[2]) if named else None
    return [f"{family}_{code}" for family in ("acc", "transfer", "fidelity")] if code and is_language(code) else []


def _is_twin(name: str) -> bool:
    first, _, twin = name.rpartition("_")
    return twin in TWINS and first in PLAIN


def _plain(name: str) -> str:
    """A name without what people write in different ways."""
    text = name.strip().casefold().replace("'", "’").replace("κ", "kappa").replace("-", " ").replace("_", " ")
    return " ".join(text.split())
