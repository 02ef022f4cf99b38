"""Logs of one language each, joined question by question.

Questions are joined by key only. Two languages' versions of a question must have the same number of options and the
same right option, and their options must not fit clearly better in another order; what does not is left out and counted
by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.data.families import bundled_families
from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered, AnswerSet, Kind
from calm_ext.results.clusters import ClusterKey
from calm_ext.results.lines import Line, finite, read_lines
from calm_ext.results.log_options import LogOptions
from calm_ext.results.logs import Log, Logs
from calm_ext.results.outcomes import ACCURACIES, READ, RESPONSE, SCORED, Outcome, read_outcome, second_accuracy
from calm_ext.signature import signature

#: Option texts (of all languages and questions) up to which the order of options is proven by content.
_MOST_TEXTS = 40_000
#: Metrics whose means are compared with the results file's, and how much they may differ.
_CHECKED, _TOLERANCE = ("acc", "exact_match", "acc_norm"), 1e-9
_SECOND_NAMES = {"acc": "unnorm", "acc_norm": "norm", "acc_bytes": "bytes"}


class _Language(NamedTuple):
    outcomes: dict[str, Outcome]
    repeated: set[str]
    notes: list[str]
    clusters: dict[str, str]


class _Settings(NamedTuple):
    """How every line is read: ``answer`` is what the signature calls the answers, ``scored`` whether options were."""

    filter: str
    second: str
    answer: str
    kind: Kind
    texts: bool
    scored: bool


def join_logs(logs: Logs, options: LogOptions, *, brief: bool = False, cluster: ClusterKey | None = None) -> AnswerSet:
    """The answers to the questions that all languages have.

    Args:
        brief: for many logs: without second scores, and without the look for options in another order, by their texts.
        cluster: which questions belong together, by the documents of the first language.

    Raises:
        DataError: a file or line that cannot be used, a language that is not there, too few questions that can be
            joined.
    """
    settings, filters = _settings(logs, options, brief)
    pivot = next(iter(logs.languages))
    read = {
        x: _read(own, x, logs, settings, filters, cluster if x == pivot else None) for x, own in logs.languages.items()
    }
    notes = list(logs.notes)
    if len(filters) > 1:
        others = ", ".join(f for f in filters if f != settings.filter)
        notes.append(f"the answers are those of filter {settings.filter} (also there: {others}; see --filter)")
    reasons: dict[str, Counter[str]] = {}
    every = list(dict.fromkeys(key for own in read.values() for key in (*own.outcomes, *own.repeated)))
    joined = [key for key in every if not _left_out(key, read, reasons)]
    if not brief:
        orders = _other_orders({x: own.outcomes for x, own in read.items()}, joined)
        for language in orders.values():
            reasons.setdefault("with options in another order, by their texts", Counter()).update(["", language])
        joined = [key for key in joined if key not in orders]
    counted = _counted(reasons)
    if len(joined) < options.at_least * len(every) or not joined:
        raise DataError(
            f"{logs.source}: only {len(joined)} of {len(every)} questions of {logs.family.name} can be joined over "
            f"{', '.join(read)}: {counted or 'there is none'}; is {', '.join(logs.family.key_fields)} the key (--key), "
            f"or is a language to be left out (--languages)?{''.join(f' Note: {note}.' for note in logs.notes)}"
        )
    described = all(logs.family.name != known.name for known in bundled_families())
    if not brief and described and not options.key and "doc_id" in logs.family.key_fields:
        notes.append(
            "questions are joined by the number of their row, which is right only where every language has the same "
            "questions in the same order; --key names a column that identifies a question"
        )
    if counted:
        notes.append(f"{len(joined)} of {len(every)} questions are joined; left out are {counted}")
    if len(read) == 1:
        notes.append(f"{next(iter(read))} is the only language, so there is no consistency")
    notes += [note for own in read.values() for note in own.notes]
    off = sum(o.off for own in read.values() for o in own.outcomes.values())
    if off:
        notes.append(f"lm-eval's {settings.second} cannot be made again of {off} answers, and is left out")
    questions = {key: _question(key, read, settings, bool(off)) for key in joined}
    parts = {"task": logs.family.name, "langs": ".".join(read), "logs": "lm-eval", "answer": settings.answer}
    facts = {k: v for k, v in logs.facts.items() if k != "lm_eval"}
    signed = signature(**parts, **facts, filter=settings.filter)
    signed = signed[: signed.rindex("|")] + f"|lm_eval:{logs.facts.get('lm_eval', 'unknown')}"
    left_out = {reason: counts[""] for reason, counts in reasons.items()}
    if settings.kind == "outcomes":
        notes.append(f"answers are values of {settings.answer}: languages agree where both are right or both are wrong")
    return AnswerSet(
        logs.source, signed, list(read), questions, notes=notes, left_out=left_out, kind=settings.kind,
        clusters={key: read[pivot].clusters[key] for key in joined} if cluster else {},
        cluster_key=cluster.text if cluster else "",
    )  # fmt: skip


def _settings(logs: Logs, options: LogOptions, brief: bool) -> tuple[_Settings, dict[str, None]]:
    """How the lines are read, by the first of them, and the filters seen so far."""
    path = next(iter(logs.languages.values()))[0].file.path
    first = next(read_lines(path), None)
    if first is None:
        raise DataError(f"{path}: is empty")
    name = options.filter or first.filter
    answer = logs.family.answer_from
    second = "" if brief else second_accuracy(first, answer)
    several = first.scores is not None and len(first.scores) > 1  # of one text a metric says whether it was right
    options_scored = several and answer in (SCORED, *ACCURACIES)
    kind: Kind = (
        "texts" if answer == RESPONSE else "options" if options_scored or answer in (SCORED, READ) else "outcomes"
    )
    if answer == SCORED:
        answer = "acc" if first.scores is not None else "exact_match"
    texts = not brief and len(logs.languages) > 1
    return _Settings(name, second, answer, kind, texts, first.scores is not None), dict.fromkeys([first.filter])


def _read(
    logs: Sequence[Log], language: str, source: Logs, settings: _Settings, filters: dict[str, None],
    cluster: ClusterKey | None,
) -> _Language:  # fmt: skip
    """The outcomes of a language by key; of a key that comes twice none."""
    found: dict[str, Outcome] = {}
    repeated: set[str] = set()
    clusters: dict[str, str] = {}
    notes = []
    for log in logs:
        n, sums = 0, dict[str, float]()
        for line in _of_filter(log, settings.filter, filters):
            n += 1
            for name in _CHECKED:
                if name in line.metrics:
                    sums[name] = sums.get(name, 0.0) + (line.metric(name) or 0.0)
            key = key_of(line, source.family.key_fields, log.part)
            if key in repeated or found.pop(key, None) is not None:
                repeated.add(key)
                continue
            if cluster:
                clusters[key] = cluster.of_doc(key, line.doc, line.where)
            if settings.kind == "options" and (line.scores is not None) != settings.scored:
                how = "not scored" if settings.scored else "scored"
                raise line.error(f"its options were {how}, unlike those before it; they cannot be joined")
            found[key] = read_outcome(
                line, source.family, language, answer_from=source.family.answer_from, second=settings.second,
                texts=settings.texts,
            )  # fmt: skip
        if not n:
            own = list(dict.fromkeys(line.filter for line in read_lines(log.file.path)))
            what = f"no responses of filter {settings.filter}; it has {', '.join(own)} (--filter)"
            raise DataError(f"{log.file.path}: {f'has {what}' if own else 'is empty'}")
        notes += _against_results(log, settings.filter, n, sums)
    return _Language(found, repeated, notes, clusters)


def _against_results(log: Log, name: str, n: int, sums: Mapping[str, float]) -> list[str]:
    """How the samples contradict the results file written with them, in words."""
    if log.results is None:
        return []
    task = log.file.task
    whole, values = log.results.n_questions(task), log.results.raw["results"][task]
    if whole not in (None, n):
        return [f"{log.file.path.name} has {n} of {whole} documents: was it cut off?"]
    for metric, total in sums.items():
        value = finite(values.get(f"{metric},{name}"))
        if value is not None and abs(value - total / n) > _TOLERANCE:
            return [f"{log.file.path.name} is of other results: its {metric} is {total / n:.4f}, and there {value:.4f}"]
    return []


def _of_filter(log: Log, name: str, filters: dict[str, None]) -> Iterator[Line]:
    for line in read_lines(log.file.path):
        filters.setdefault(line.filter)
        if line.filter == name:
            yield line


def key_of(line: Line, fields: Sequence[str], part: str) -> str:
    """What identifies a document in every language: the values of the key fields, after the part of the benchmark."""
    values = [_key_text(line, field) for field in fields]
    return "/".join([part, *values] if part else values)


def _key_text(line: Line, field: str) -> str:
    value = _first(line, field.split("|")) if "|" in field else line.field(field)
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, (dict, list)) or (isinstance(value, float) and finite(value) is None):
        what = "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else value or "null"
        raise line.error(f"its {field} is {what}, which is no key (--key)")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _first(line: Line, fields: Sequence[str]) -> Any:
    """The value of the first field that the line has."""
    for field in fields[:-1]:
        try:
            return line.field(field)
        except DataError:
            continue
    return line.field(fields[-1])


# --- why a question is left out


def _left_out(key: str, read: Mapping[str, _Language], reasons: dict[str, Counter[str]]) -> bool:
    """Whether a question cannot be joined; the reason is counted, for the question under "" and for each language."""
    own = {x: r.outcomes[key] for x, r in read.items() if key in r.outcomes}
    repeated = [x for x, r in read.items() if key in r.repeated]
    if repeated:
        reason, whose = "with a repeated key", repeated
    elif len(own) < len(read):
        reason, whose = "missing", [x for x in read if x not in own]
    elif odd := _odd({x: o.n_options for x, o in own.items()}):
        reason, whose = "with another number of options", odd
    elif odd := _odd({x: None if isinstance(o.gold, str) else o.gold for x, o in own.items()}):
        reason, whose = "with another right option", odd
    else:
        return False
    reasons.setdefault(reason, Counter()).update(["", *whose])
    return True


def _odd(values: Mapping[str, Any]) -> list[str]:
    """The languages whose value is not that of most, of several the first."""
    counts = Counter(values.values())
    if len(counts) < 2:
        return []
    common = counts.most_common(1)[0][0]
    return [x for x, value in values.items() if value != common]


def _counted(reasons: Mapping[str, Counter[str]]) -> str:
    """The reasons in words: ``30 missing (in sw 20, fr 10)``."""
    said = []
    for reason, counts in reasons.items():
        by_language = [f"{x} {n}" for x, n in counts.most_common() if x]
        more = f" and {len(by_language) - 5} more" if len(by_language) > 5 else ""
        said.append(f"{counts['']} {reason} (in {', '.join(by_language[:5])}{more})")
    return ", ".join(said)


def _other_orders(outcomes: Mapping[str, Mapping[str, Outcome]], keys: Sequence[str]) -> dict[str, str]:
    """key -> a language whose options would fit clearly better in another order, by their texts."""
    n = sum(len(o.texts or ()) for own in outcomes.values() for o in map(own.__getitem__, keys))
    if len(outcomes) < 2 or not 0 < n <= _MOST_TEXTS:
        return {}
    rows = {x: [own[k].texts for k in keys] for x, own in outcomes.items()}
    known = [
        i for i in range(len(keys)) if all(r[i] and len(r[i] or ()) == len(_any(rows)[i] or ()) for r in rows.values())
    ]
    if not known:
        return {}
    from calm_ext.data.parallel.doubts import order_doubts

    pivot = "en" if "en" in rows else next(iter(rows))
    texts = {x: [("", r[i] or ()) for i in known] for x, r in rows.items()}
    return {keys[known[d.rows[0]]]: d.language for d in order_doubts(texts, pivot=pivot)}


def _any(rows: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    return next(iter(rows.values()))


# --- a question


def _question(key: str, read: Mapping[str, _Language], settings: _Settings, off: bool) -> Answered:
    own = {x: r.outcomes[key] for x, r in read.items()}
    first = next(iter(own.values()))
    content = " ".join(o.content for o in own.values())
    if settings.kind == "texts":
        numbers = _numbers(own.values())
        gold = next((numbers[str(o.gold)] for o in own.values() if o.gold is not None), None)
        answers = {x: None if o.answer is None else numbers[str(o.answer)] for x, o in own.items()}
        return Answered(key, gold, answers, content=content, where=first.where)
    scored = all(o.scores for o in own.values())
    second = settings.second and not off and all(o.second for o in own.values())
    return Answered(
        key, first.gold if isinstance(first.gold, int) else None,
        {x: o.answer if isinstance(o.answer, int) else None for x, o in own.items()},
        first.n_options,
        {x: list(o.scores or ()) for x, o in own.items()} if scored else None,
        {x: list(o.second or ()) for x, o in own.items()} if second else None,
        content, first.where, twin=_SECOND_NAMES.get(settings.second, "unnorm"),
    )  # fmt: skip


def _numbers(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """The texts of a question, numbered: the right ones first, as these are right in whatever language."""
    found = list(outcomes)
    gold = dict.fromkeys(str(o.gold) for o in found if o.gold is not None)
    return dict.fromkeys(gold, 0) | {
        text: i for i, text in enumerate(sorted({str(o.answer) for o in found if o.answer is not None} - set(gold)), 1)
    }
