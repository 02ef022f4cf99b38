"""Rows of different languages are taken for translations of each other only where their content agrees.

The proofs, in this order:

1. Files of different lengths: the surplus rows are found by content (:mod:`calm_ext.data.parallel.sequence`) and left
   out where the choice is provable, which is reported as a :class:`~calm_ext.data.parallel.rows.Repair`; otherwise the
   files are refused.
2. Rows whose gold letter or number of options differs are no translations.
3. Rows that would fit clearly better exchanged, rows that fit nowhere, and rows whose options would fit clearly better
   in another order (:mod:`calm_ext.data.parallel.doubts`) are no translations either.
4. Copies of the paper's files are compared with what was published (:mod:`calm_ext.data.parallel.published`), which
   finds every change; 3 is for all other files.
5. Where rows have ids, they are joined by id, and 1 is not needed; 3 is then a warning.

Nothing is reordered and no gold letter is changed: the only repair is to leave a question out.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence

from calm_ext.data.parallel.doubts import Doubt, find_doubts
from calm_ext.data.parallel.evidence import Texts, read_texts
from calm_ext.data.parallel.published import Changed, verify
from calm_ext.data.parallel.rows import Joined, Repair, Row, rows_text
from calm_ext.data.parallel.sequence import Unplaced, find_orphans
from calm_ext.errors import DataError
from calm_ext.prompts import letter_of
from calm_ext.records import ParallelQuestion, Version

logger = logging.getLogger(__name__)

#: a repair may leave out one row and one in a hundred, and none of a file with fewer rows than ``FEW``
FEW = 50
#: strength from which another order of a row's options is refused, and not only reported: among 4,119 rows in order
#: there is one of 1.4, in the bundled sample (``calm-ext data check sample``)
SURE = 1.5


def join_parallel(
    rows: Mapping[str, Sequence[Row]],
    *,
    name: str,
    files: Mapping[str, str],
    source_language: str | None,
    ids: Mapping[str, Sequence[str]] | None = None,
    repairs: Sequence[Repair] = (),
    published: bool = False,
) -> Joined:
    """Join the rows of every language into questions, where their content proves that they belong together.

    Args:
        rows: language -> its rows in file order.
        name: prefix of the ids: ``name-00000`` with the row's place in the reference file, or ``name-<id>``.
        files: language -> the file the rows come from, for messages.
        source_language: the language the questions were written in, which the others are compared with.
        ids: language -> the rows' ids, where they have some.
        repairs: what the reader of the files repaired already; reported with what is repaired here.
        published: the files may be copies of the paper's (:mod:`calm_ext.data.parallel.published`); where every row is
            as published, that is the proof.

    Raises:
        DataError: the rows are not proven parallel; names file and rows. With ``CALM_UNPROVEN=warn`` in the
            environment, what only their content speaks against is a warning.
    """
    pivot = source_language if source_language and source_language in rows else next(iter(rows))
    done = list(repairs)
    if ids is not None:
        order = _by_id(ids, files, pivot)
        names = [f"{name}-{i}" for i in ids[pivot]]
        texts: dict[str, Texts] | None = None
    else:
        order, names, texts, found = _in_sequence(rows, files, pivot, name)
        done += found
    table = {x: [rows[x][i] for i in order[x]] for x in rows}
    _agree(table, order, files, pivot)
    if not (published and _as_published(table, order, files)):
        if texts is None:
            texts = {x: read_texts([(q, o) for q, o, _ in own]) for x, own in table.items()}
        else:
            texts = {x: Texts([t.rows[i] for i in order[x]], [t.options[i] for i in order[x]])
                     for x, t in texts.items()}  # fmt: skip
        doubts = find_doubts(texts, [a for _, _, a in table[pivot]], pivot=pivot)
        _judge(doubts, order, files, has_ids=ids is not None)
    for repair in done:
        logger.warning("%s", repair)
    questions = [
        ParallelQuestion(
            id=names[k],
            answer=table[pivot][k][2],
            source_language=source_language,
            versions={x: Version(question=own[k][0], options=list(own[k][1])) for x, own in table.items()},
        )
        for k in range(len(table[pivot]))
    ]
    return Joined(questions, tuple(done))


def _by_id(ids: Mapping[str, Sequence[str]], files: Mapping[str, str], pivot: str) -> dict[str, list[int]]:
    for language, own in ids.items():
        twice = [i for i, count in Counter(own).items() if count > 1]
        if twice:
            raise DataError(f"{files[language]}: the id {', '.join(twice[:5])} comes twice")
        for lacking, having in ((language, pivot), (pivot, language)):
            missing = sorted(set(ids[having]) - set(ids[lacking]))
            if missing:
                more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
                shown = ", ".join(missing[:5]) + more
                raise DataError(f"{files[lacking]}: has no row with id {shown}, which {files[having]} has")
    places = {x: {i: k for k, i in enumerate(own)} for x, own in ids.items()}
    return {x: [places[x][i] for i in ids[pivot]] for x in ids}


def _in_sequence(
    rows: Mapping[str, Sequence[Row]], files: Mapping[str, str], pivot: str, name: str
) -> tuple[dict[str, list[int]], list[str], dict[str, Texts] | None, list[Repair]]:
    """Which row of each language belongs to which, in file order; the ids; the features; what was repaired."""
    lengths = {x: len(own) for x, own in rows.items()}
    if len(set(lengths.values())) == 1:
        n = lengths[pivot]
        return {x: list(range(n)) for x in rows}, [f"{name}-{k:05d}" for k in range(n)], None, []
    counts = ", ".join(f"{files[x]} has {n}" for x, n in lengths.items())
    common = Counter(lengths.values()).most_common(1)[0][1]
    usual = [n for n, count in Counter(lengths.values()).items() if count == common]
    reference = pivot if lengths[pivot] in usual else next(x for x, n in lengths.items() if n in usual)
    allowed = 1 + lengths[reference] // 100 if lengths[reference] >= FEW else 0
    if min(lengths.values()) == 0 or max(abs(n - lengths[reference]) for n in lengths.values()) > allowed:
        raise DataError(f"rows are not parallel: {counts}")
    texts = {x: read_texts([(q, o) for q, o, _ in own]) for x, own in rows.items()}
    keys = {x: [(answer, len(options)) for _, options, answer in own] for x, own in rows.items()}
    repairs = []
    place: dict[str, dict[int, int]] = {}
    for language, own in rows.items():
        longer, shorter = (language, reference) if len(own) > lengths[reference] else (reference, language)
        orphans = []
        if len(own) != lengths[reference]:
            try:
                orphans = find_orphans(texts[longer], texts[shorter], keys[longer], keys[shorter])
            except Unplaced as error:
                near = f"; look at {rows_text([r + 1 for r in error.rows])} of {files[longer]}" if error.rows else ""
                raise DataError(f"rows are not parallel: {counts}: {error}{near}") from None
        gone = {o.row for o in orphans}
        kept = [k for k in range(lengths[longer]) if k not in gone]
        place[language] = {(k if longer == reference else m): (m if longer == reference else k)
                           for m, k in enumerate(kept)}  # fmt: skip
        for row, twin in orphans:
            if twin is not None:
                reason = f"a second translation of row {twin + 1}; left out"
            elif longer == language:
                reason = f"{files[reference]} has no such row; left out"
            else:
                reason = f"{files[language]} has no such row; the question is left out"
            repairs.append(Repair(files[longer], (row + 1,), reason))
    kept = [k for k in range(lengths[reference]) if all(k in p for p in place.values())]
    order = {x: [place[x][k] for k in kept] for x in rows}
    return order, [f"{name}-{k:05d}" for k in kept], texts, repairs


def _agree(
    table: Mapping[str, Sequence[Row]], order: Mapping[str, Sequence[int]], files: Mapping[str, str], pivot: str
) -> None:
    """Refuse rows whose gold letter or number of options is not the other languages'."""
    wrong: dict[str, list[int]] = {}
    for k in range(len(table[pivot])):
        keys = {x: (own[k][2], len(own[k][1])) for x, own in table.items()}
        if len(set(keys.values())) > 1:
            (usual, votes), *rest = Counter(keys.values()).most_common()
            if rest and rest[0][1] == votes:  # as many say otherwise: the pivot is taken for right
                usual = keys[pivot]
            for language, key in keys.items():
                if key != usual:
                    wrong.setdefault(language, []).append(k)
    for language, places in wrong.items():
        k = places[0]
        other = next(x for x in (pivot, *table) if x != language)
        said, against = (
            f"{len(options)} options and answer {letter_of(answer)}"
            for _, options, answer in (table[language][k], table[other][k])
        )
        numbers = [order[language][k] + 1 for k in places]
        many = "is not a translation of that row" if len(numbers) == 1 else "are not translations of those rows"
        raise DataError(
            f"{files[language]}: {rows_text(numbers)} {many} of {files[other]}: "
            f"row {numbers[0]} has {said}, against {against}"
        )


def _as_published(
    table: Mapping[str, Sequence[Row]], order: Mapping[str, Sequence[int]], files: Mapping[str, str]
) -> bool:
    try:
        return verify(table, files)
    except Changed as error:
        numbers = [order[error.language][k] + 1 for k in error.rows]
        verb = "is" if len(numbers) == 1 else "are"
        _refuse(f"{files[error.language]}: {rows_text(numbers)} {verb} {error.text} in wangym2/CALM")
        return False


def _judge(
    doubts: Sequence[Doubt], order: Mapping[str, Sequence[int]], files: Mapping[str, str], *, has_ids: bool
) -> None:
    """Refuse, or with ids warn of, rows whose content is doubted."""
    found = [d._replace(rows=tuple(order[d.language][r] for r in d.rows)) for d in doubts]
    sure = [] if has_ids else [d for d in found if d.kind != "options" or d.strength >= SURE]
    if sure:
        worst = sure[0]
        others = ", ".join(f for x, f in files.items() if x != worst.language)
        more = f" (and {len(sure) - 1} more such findings)" if len(sure) > 1 else ""
        _refuse(f"{files[worst.language]}: {worst}, compared with {others}{more}")
    why = "; kept, as the ids agree" if has_ids else "; kept, as that is not sure"
    for doubt in found:
        if doubt not in sure:
            logger.warning("%s: %s%s", files[doubt.language], doubt, why)


def _refuse(text: str) -> None:
    if os.environ.get("CALM_UNPROVEN") != "warn":
        raise DataError(f"{text}; CALM_UNPROVEN=warn keeps such rows")
    logger.warning("%s", text)
