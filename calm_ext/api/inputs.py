"""Records from what a notebook holds: dicts, records, a pandas DataFrame or a ``datasets.Dataset``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calm_ext.answers.thoughts import Marks
from calm_ext.errors import DataError
from calm_ext.jsonl import explain
from calm_ext.metrics.answered import Answered, AnswerSet, scored_answer
from calm_ext.metrics.fidelity import Response, faithful
from calm_ext.prompts import Style, ask
from calm_ext.records import Generation, Prediction, Record
from calm_ext.signature import signature
from calm_ext.voting.answered import read_votes

#: Rows of a table: dicts, records, a DataFrame or a Dataset.
Rows = Any

R = TypeVar("R", bound=Record)


def rows_of(data: Rows, what: str) -> list[dict[str, Any]]:
    """The rows as dicts of plain Python values; a missing value of a DataFrame (NaN, NaT) is None.

    Args:
        what: how messages name the data.

    Raises:
        DataError: the data is no table, or a row is neither a mapping nor a record.
    """
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        data = data.to_dict("records")
    elif isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Iterable):
        raise DataError(f"{what}: a list of dicts, records, a DataFrame or a Dataset was expected, not a "
                        f"{type(data).__name__}")  # fmt: skip
    found = []
    for number, row in enumerate(data):
        if isinstance(row, BaseModel):
            found.append(row.model_dump())
        elif isinstance(row, Mapping):
            found.append({str(k): _plain(v) for k, v in row.items()})
        else:
            raise DataError(f"{what}, row {number}: a dict or a record was expected, not a {type(row).__name__}")
    if not found:
        raise DataError(f"{what}: there are no rows")
    return found


def _plain(value: Any) -> Any:
    """A value as JSON has it: arrays as lists, numpy's scalars as Python's, missing values as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    return None if type(value).__name__ in ("NaTType", "NAType") else value


def _index(value: Any) -> Any:
    """An index of an option; a DataFrame makes 2.0 of 2 where the column has gaps."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _record(kind: type[R], values: Mapping[str, Any], where: str) -> R:
    """A record of the keys that it knows; other columns are left out."""
    try:
        return kind.model_validate({k: v for k, v in values.items() if k in kind.model_fields})
    except ValidationError as error:
        raise DataError(f"{where}: {explain(error)}") from None


def _required(row: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    missing = [k for k in keys if row.get(k) is None]
    if missing:
        has = f"has {', '.join(row)}" if row else "is empty"
        raise DataError(f"{where}: {', '.join(missing)} is missing; the row {has}")


def generations_of(samples: Rows, *, style: Style, what: str = "samples") -> list[Generation]:
    """Generations from rows of one of two forms.

    - one row a question and language: ``id``, ``language``, ``options`` and ``responses`` (texts) or
      ``option_logprobs`` (one number an option);
    - one row a response: ``id``, ``language``, ``options`` and ``response``.

    A response that is None or NaN is missing: it is no vote, and no abstention. ``answer``, ``source_language``,
    ``question`` and ``prompt`` are used where they are there. Without ``prompt`` it is made from the question
    (:func:`calm_ext.prompts.ask`); other columns are left out.

    Args:
        what: how messages name the data.

    Raises:
        DataError: a row that cannot be used; the message names it.
    """
    grouped: dict[tuple[str, str], dict[str, Any]] = {}
    for number, row in enumerate(rows_of(samples, what)):
        where = f"{what}, row {number}"
        _required(row, ("id", "language", "options"), where)
        key = str(row["id"]), str(row["language"])
        if "response" in row and row.get("responses") is None:
            text = row["response"]
            if text is not None and not isinstance(text, str):
                raise DataError(f"{where}: response is {text!r}, a text was expected")
            known = grouped.setdefault(
                key, {**row, **({"finish": []} if "finish" in row else {}), "responses": [], "where": where}
            )
            if known["options"] != row["options"]:
                raise DataError(f"{where}: {key[0]} in {key[1]} has other options than at {known['where']}")
            known["responses"].append(text)
            if "finish" in row:
                known["finish"].append(row["finish"])
        elif key in grouped:
            raise DataError(f"{where}: {key[0]} in {key[1]} is there already, at {grouped[key]['where']}")
        else:
            grouped[key] = {**row, "where": where}
    return [_generation(row, style) for row in grouped.values()]


def _generation(row: Mapping[str, Any], style: Style) -> Generation:
    question = row.get("question") or ""
    prompt = row.get("prompt")
    if prompt is None:
        prompt = ask(str(row["language"]), question, row["options"], style) if question else ""
    values = {k: v for k, v in row.items() if v is not None}
    values |= {"id": str(row["id"]), "question": question, "prompt": prompt, "answer": _index(row.get("answer"))}
    return _record(Generation, values, row["where"])


def answers_of(answers: Rows, *, style: Style, source: str, thoughts: Marks = ()) -> AnswerSet:
    """Answers from rows of one of three forms.

    - one row a question: ``id``, ``predictions`` (language -> index or None), optionally ``answer`` and ``scores``;
    - one row a question and language: ``id``, ``language``, ``prediction`` (index or None), optionally ``answer``;
    - samples as :func:`generations_of` takes them, whose first response is read.

    Raises:
        DataError: a row that cannot be used; a question without an answer in a language.
    """
    rows = rows_of(answers, source)
    if "predictions" in rows[0]:
        questions = [_from_predictions(row, f"{source}, row {i}") for i, row in enumerate(rows)]
    elif "prediction" in rows[0]:
        questions = _from_long(rows, source)
    else:
        generations = generations_of(rows, style=style, what=source)
        questions = _from_generations(generations, style, thoughts)
        questions = _with_fidelity(questions, generations, thoughts)
    by_id = {q.id: q for q in questions}
    if len(by_id) < len(questions):
        twice = next(q.id for i, q in enumerate(questions) if q.id in {x.id for x in questions[:i]})
        raise DataError(f"{source}: question {twice} comes twice")
    languages = list(dict.fromkeys(x for q in questions for x in q.answers))
    for question in questions:
        missing = [x for x in languages if x not in question.answers]
        if missing:
            raise DataError(f"{source}: question {question.id} has no answer in {', '.join(missing)}; give None where "
                            f"the model gave none")  # fmt: skip
    return AnswerSet(source, signature(task="python", langs=".".join(languages)), languages, by_id)


def _from_predictions(row: Mapping[str, Any], where: str) -> Answered:
    values = {k: v for k, v in row.items() if v is not None}
    given = row.get("predictions")
    if isinstance(given, Mapping):
        values["predictions"] = {x: _index(v) for x, v in given.items()}
    values |= {"id": str(row.get("id")), "answer": _index(row.get("answer"))}
    record = _record(Prediction, values, where)
    return Answered(
        record.id, record.answer, dict(record.predictions), record.n_options, record.scores, None, None, where
    )


def _from_long(rows: Iterable[Mapping[str, Any]], source: str) -> list[Answered]:
    grouped: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows):
        where = f"{source}, row {number}"
        _required(row, ("id", "language"), where)
        known = grouped.setdefault(
            str(row["id"]), {"id": row["id"], "answer": row.get("answer"), "predictions": {}, "where": where}
        )
        if row["language"] in known["predictions"]:
            raise DataError(f"{where}: question {row['id']} comes twice in {row['language']}")
        if row.get("answer") != known["answer"]:
            raise DataError(f"{where}: question {row['id']} has another right answer than at {known['where']}")
        known["predictions"][row["language"]] = row.get("prediction")
    return [_from_predictions(row, row["where"]) for row in grouped.values()]


def _from_generations(generations: Iterable[Generation], style: Style, thoughts: Marks) -> list[Answered]:
    grouped: dict[str, list[Generation]] = {}
    for generation in generations:
        grouped.setdefault(generation.id, []).append(generation)
    found = []
    for identity, own in grouped.items():
        gold = own[0].answer
        came = [g for g in own if g.option_logprobs is not None]
        if came and all(g.option_logprobs is not None or not g.given for g in own):
            scores = {g.language: g.option_logprobs or [] for g in came}
            texts = {g.language: g.options for g in came}
            question = scored_answer(identity, gold, scores, texts, came[0].shown)
            question = question._replace(answers={g.language: question.answers.get(g.language) for g in own})
        else:
            answers = {g.language: next(iter(read_votes(g, style=style, thoughts=thoughts)), None) for g in own}
            question = Answered(identity, gold, answers, len(own[0].options))
        found.append(question._replace(source_language=own[0].source_language))
    return found


def _with_fidelity(questions: list[Answered], generations: Sequence[Generation], thoughts: Marks) -> list[Answered]:
    """The questions with the language of the first response in each language."""
    languages = list(dict.fromkeys(g.language for g in generations))
    responses = [(g.id, Response(text, g.language, g.options)) for g in generations for text in g.given[:1]]
    spoken = faithful(responses, languages, thoughts=thoughts) if responses else {}
    return [q._replace(faithful=spoken.get(q.id, {})) for q in questions]
