"""The parts of a view, the files below ``data/`` that its page loads on demand.

For table *t* of the board (:mod:`.parts` says how a list becomes parts):

- ``t/rows``: a row of the table: label, values, intervals, ranks; and which other parts there are of it;
- ``t/heads``: of a question its id, right option, number of options, and the beginning of its text; where questions
  have clusters, also the number of its cluster;
- ``t/texts``: of a question its text and options in every language, and the order in which letters stood;
- ``t/answers/r``: of row *r*, what was answered to a question in every language: indices of options, -1 for none;
- ``t/across``: the same of a question for every row, 0 for a row without samples;
- ``t/moves``: of each two rows the difference of each metric, with interval and p;
- ``t/said/r``: of row *r*, what the model wrote for a question in every language.

Languages stand in the order of the table's ``languages``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import DataError
from calm_ext.languages import is_language, language_name
from calm_ext.metrics.answered import numbered
from calm_ext.metrics.names import LOWER_IS_BETTER, metric_label, metric_name, metric_order
from calm_ext.metrics.stats import RESAMPLES
from calm_ext.report.board.entry import plain
from calm_ext.report.board.names import Places
from calm_ext.report.board.table import Board, Row, Table
from calm_ext.report.board.write import about, chance, finding, headline_of, warnings
from calm_ext.report.compared import differences, in_one_order
from calm_ext.report.glossary.words import metric_word
from calm_ext.report.page.browser import text_of
from calm_ext.report.view.collect import Question, given_of, questions_of
from calm_ext.report.view.parts import Parts, cut, cut_middle
from calm_ext.report.words import is_number
from calm_ext.results.log_options import LogOptions

if TYPE_CHECKING:
    import numpy as np

#: characters of a question or an option, and of a question in a list
LONGEST_TEXT, LONGEST_HEAD = 4_000, 140
#: characters of what a model wrote
LONGEST_RESPONSE = 600
#: questions in a part of texts
MOST_TEXTS = 200
#: more languages than this are no columns, until they are chosen
MOST_BESIDE = 8
#: metrics that the difference of two models shows, and the most values (pairs × metrics × questions) to resample here
MOVED = ("acc", "all_correct", "consistency", "all_agree", "consistency_right", "consistency_wrong", "answered")
MOST_MOVES = 500_000
#: digits of the values in a table
_DIGITS = 4


class Written(NamedTuple):
    """What the page must know of a table before it loads a part, and in words which rows have no answers."""

    manifest: dict[str, Any]
    notes: list[str]


def write_tables(board: Board, data: Path, *, logs: LogOptions, responses: int = LONGEST_RESPONSE) -> list[Written]:
    """Write the parts of all tables.

    Args:
        data: the folder of the parts, which is there and empty.
        logs: how logs of other people's tasks are read.
        responses: most characters that are kept of what a model wrote; 0 leaves it out.
    """
    keys = Counter[str]()
    found = []
    for number, table in enumerate(board.tables):
        keys[table.task] += 1
        key = table.task if keys[table.task] == 1 else f"{table.task}~{keys[table.task]}"
        found.append(_Writer(table, number, data, logs, responses, board.places).write(key))
    return found


class _Writer:
    def __init__(self, table: Table, number: int, data: Path, logs: LogOptions, responses: int, places: Places) -> None:
        self.table, self.number, self.data, self.logs, self.responses = table, number, data, logs, responses
        self.places = places
        self.metrics = metric_order(dict.fromkeys(m for r in table.rows for m in r.entry.values))
        self.notes: list[str] = []

    def write(self, key: str) -> Written:
        questions, first = self._questions()
        languages = list(first.questions) if first else []
        starts = self._write_questions(questions, languages, self._clusters())
        order = {q.id: i for i, q in enumerate(questions)}
        rows = Parts(self.data, f"{self.number}/rows")
        answers: list[np.ndarray | None] = []
        for place, row in enumerate(self.table.rows):
            own, more = self._write_answers(place, row, order, languages)
            answers.append(own)
            rows.add(self._row(row) | more)
        starts["rows"] = rows.close()
        across = Parts(self.data, f"{self.number}/across")
        for i in range(len(questions)):
            across.add([0 if own is None else own[i].tolist() for own in answers])
        starts["across"] = across.close()
        starts["moves"] = self._write_moves()
        return Written(self._manifest(key, questions, languages, starts), self.notes)

    def _write_moves(self) -> list[int]:
        """Differences of each two rows, (0, 1), (0, 2), …, (1, 2), …: metric -> value, bounds of the interval, p, and p
        corrected over the languages; of rows without samples no metric, and no part at all where these are too many.
        """

        columns = [r.entry.columns for r in self.table.rows]
        first = next((c for c in columns if c), None)
        parts = Parts(self.data, f"{self.number}/moves")
        if first is None:
            return parts.close()
        wanted = [*MOVED, *(f"acc_{x}" for x in self.table.languages)]
        values = in_one_order(columns, wanted)
        pairs = list(combinations(values, 2))
        if len(pairs) * len(wanted) * len(first.ids) > MOST_MOVES:
            return parts.close()
        groups = numbered(first.clusters) if first.clusters else None
        for found in differences(pairs, self.table.languages, RESAMPLES, clusters=groups):
            parts.add({m: [round(x, 6) if is_number(x) else None for x in d.values()] for m, d in found.items()})
        return parts.close()

    # --- the questions

    def _questions(self) -> tuple[list[Question], Question | None]:
        """Those of the first row whose samples can be read; all rows of a table were asked the same."""
        for row in self.table.rows:
            if row.entry.columns is not None:
                try:
                    found = list(questions_of(row.entry, self.logs))
                except DataError as error:
                    self._note(row, f"its questions cannot be shown: {error}")
                    continue
                return found, found[0] if found else None
        return [], None

    def _clusters(self) -> dict[str, int]:
        """Question -> the number of its cluster; empty where each stands for itself."""
        found = next((c for r in self.table.rows if (c := r.entry.columns)), None)
        if found is None or not found.clusters:
            return {}
        return dict(zip(found.ids, numbered(found.clusters).tolist(), strict=True))

    def _write_questions(
        self, questions: Sequence[Question], languages: Sequence[str], clusters: Mapping[str, int]
    ) -> dict[str, list[int]]:
        heads = Parts(self.data, f"{self.number}/heads")
        texts = Parts(self.data, f"{self.number}/texts", most=MOST_TEXTS)
        for q in questions:
            head = next((q.questions[x] for x in (q.pivot, *languages) if x in q.questions), "")
            gold = -1 if q.gold is None else q.gold
            heads.add_fitting(lambda n, q=q, gold=gold, head=head: [  # type: ignore[misc]
                q.id, gold, q.n_options or 0, cut(" ".join(head[:1000].split()), n),
                *([clusters[q.id]] if clusters else []),
            ], LONGEST_HEAD)  # fmt: skip
            texts.add_fitting(lambda n, q=q: {  # type: ignore[misc]
                "q": [cut(q.questions.get(x, ""), n) for x in languages],
                "o": [[cut(o, n) for o in q.options.get(x, ())] for x in languages],
                "s": list(q.shown) if q.shown is not None else 0,
            }, LONGEST_TEXT)  # fmt: skip
        return {"heads": heads.close(), "texts": texts.close()}

    # --- a row

    def _write_answers(
        self, place: int, row: Row, order: Mapping[str, int], languages: Sequence[str]
    ) -> tuple[np.ndarray | None, dict[str, Any]]:
        """The answers, shape (questions, languages), and what the row's item says of its parts."""
        import numpy as np

        none: dict[str, Any] = {"answers": 0, "said": 0}
        if row.entry.columns is None or not order:
            return None, none
        found = np.full((len(order), len(languages)), -1, dtype=np.int16)
        wrote: dict[int, dict[str, str]] = {}
        try:
            for given in given_of(row.entry, self.logs, texts=self.responses > 0):
                at = order[given.id]
                found[at] = [-1 if (a := given.answers.get(x)) is None else a for x in languages]
                if given.texts:
                    wrote[at] = given.texts
        except KeyError as error:
            self._note(row, f"its answers cannot be shown: it was asked {error.args[0]}, unlike others")
            return None, none
        except DataError as error:
            self._note(row, f"its answers cannot be shown: {error}")
            return None, none
        answers = Parts(self.data, f"{self.number}/answers/{place}")
        for own in found:
            answers.add(own.tolist())
        said = Parts(self.data, f"{self.number}/said/{place}")
        for i in range(len(order)) if wrote else ():
            own_texts = wrote.get(i, {})
            said.add_fitting(lambda n, own_texts=own_texts: [  # type: ignore[misc]
                cut_middle(own_texts.get(x, ""), n) for x in languages
            ], self.responses)  # fmt: skip
        return found, {"answers": answers.close(), "said": said.close() or 0}

    def _note(self, row: Row, text: str) -> None:
        self.notes.append(f"{row.label}: {plain(self.places.shorten(text))}")

    def _row(self, row: Row) -> dict[str, Any]:
        return {
            "label": row.label,
            "values": [_rounded(row.value(m)) for m in self.metrics],
            "ci": [[_rounded(x) for x in row.ci95[m]] if m in row.ci95 else 0 for m in self.metrics],
            "ranks": {m: row.rank(m) for m in self.table.ranked},
            "near": int(self.table.near_chance(row)),
        }

    # --- the table

    def _manifest(
        self, key: str, questions: Sequence[Question], languages: Sequence[str], starts: Mapping[str, Any]
    ) -> dict[str, Any]:
        t = self.table
        pivots = Counter(q.pivot for q in questions if q.pivot)
        counts = [q.n_options for q in questions if q.n_options]
        chosen = bool(counts) and t.facts.get("style") != "open"
        beside = t.languages if len(t.languages) <= MOST_BESIDE else []
        return {
            "key": key,
            "about": about(t),
            "apart": t.apart,
            "finding": finding(t),
            "headline": headline_of(t),
            "warnings": warnings(t),
            "notes": [n for n in (*t.notes, chance(t)) if n],
            "facts": [[name, value] for name, value in t.facts.items() if name != "task"],
            "signature": t.signature,
            "by": t.by,
            "columns": [
                {
                    "key": m,
                    "name": metric_name(m),
                    "label": metric_label(m),
                    "low": int(m in LOWER_IS_BETTER),
                    "about": word.about if (word := metric_word(m)) else "",
                    "ranked": int(m in t.ranked),
                }
                for m in self.metrics
            ],
            "shown": [*t.shown, *(f"acc_{x}" for x in beside)],
            "languages": list(languages),
            "n": len(questions),
            "entries": len(t.rows),
            "held": int(not t.taught),
            "clusters": t.n_clusters or 0,
            "chance": _rounded(sum(1 / n for n in counts) / len(counts)) if chosen else None,
            "pivot": pivots.most_common(1)[0][0] if pivots else None,
            "labelled": any(q.gold is not None for q in questions),
            "starts": dict(starts),
        }


def _rounded(value: float) -> float | None:
    return round(value, _DIGITS) if is_number(value) else None


def languages_of(tables: Sequence[Written]) -> dict[str, list[str]]:
    """code -> name and direction of the text, of all languages of the tables."""
    codes = dict.fromkeys(x for t in tables for x in t.manifest["languages"])
    return {x: [language_name(x) if is_language(x) else x, text_of(x)["dir"]] for x in codes}
