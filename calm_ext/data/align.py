"""Rows of different languages are taken for translations of each other only where their content agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calm_ext.errors import DataError
from calm_ext.records import ParallelQuestion, Version

#: (question, options, answer) as one language's file has it
Row = tuple[str, list[str], int]


def join_parallel(
    rows: Mapping[str, Sequence[Row]], *, name: str, files: Mapping[str, str], source_language: str | None
) -> list[ParallelQuestion]:
    """Join row i of every language into one question, where number of rows, gold letters and option counts agree.

    Args:
        rows: language -> its rows in file order.
        name: prefix of the ids, ``name-00000``.
        files: language -> the file the rows come from, for messages.

    Raises:
        DataError: the files differ in length, or a row's gold letter or number of options does; names file and rows.
    """
    first = next(iter(rows))
    lengths = {language: len(r) for language, r in rows.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{files[language]} has {n}" for language, n in lengths.items())
        raise DataError(f"rows are not parallel: {told}")
    questions = []
    for index, (_, options, answer) in enumerate(rows[first]):
        for language, its_rows in rows.items():
            _, its_options, its_answer = its_rows[index]
            if len(its_options) != len(options) or its_answer != answer:
                raise DataError(
                    f"{files[language]}: row {index + 1} is not a translation of that row of {files[first]}: "
                    f"{len(its_options)} options and answer {its_answer}, against {len(options)} and {answer}"
                )
        questions.append(
            ParallelQuestion(
                id=f"{name}-{index:05d}",
                answer=answer,
                source_language=source_language,
                versions={x: Version(question=r[index][0], options=r[index][1]) for x, r in rows.items()},
            )
        )
    return questions
