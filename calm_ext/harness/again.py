"""Ask again for the responses of a generations file that are missing; all other lines stay as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from calm_ext.disk.lines import sign
from calm_ext.jsonl import to_line
from calm_ext.records import Generation, ParallelQuestion

#: Asks questions: their generations, question by question, language by language.
Answer = Callable[[Sequence[ParallelQuestion]], list[Generation]]


def ask_again(
    output: Path,
    lacking: Sequence[int],
    questions: Sequence[ParallelQuestion],
    answer: Answer,
    *,
    chunk: int,
    lost: bool = False,
) -> int:
    """Replace lines that lack responses by new ones that lack fewer; returns how many questions were asked.

    What came is written at the end, and also where asking ends in an error or an interrupt.

    Args:
        output: the generations of ``questions``, in their order, a line for each language.
        lacking: the lines, counted from 0.
        chunk: questions that are asked together.
        lost: the lines are not as they were written, so that nothing of them counts.

    Raises:
        CalmError: what asks does.
    """
    per_question = len(questions[0].versions)
    wanted: dict[int, list[str]] = {}
    for line in lacking:
        at, place = divmod(line, per_question)
        wanted.setdefault(at, []).append(list(questions[at].versions)[place])
    again = [(at, questions[at].restricted_to(own)) for at, own in wanted.items()]
    found: dict[int, Generation] = {}
    asked = 0
    try:
        for start in range(0, len(again), chunk):
            part = again[start : start + chunk]
            places = {question.id: at for at, question in part}
            for generation in answer([question for _, question in part]):
                at = places[generation.id]
                found[at * per_question + list(questions[at].versions).index(generation.language)] = generation
            asked += len(part)
    finally:
        if found:
            _replace(output, found, lost=lost)
    return asked


def _replace(path: Path, found: dict[int, Generation], *, lost: bool) -> None:
    """The file with these lines in the place of the old ones: where those are lost, or lack more responses."""
    partial = path.with_name(f".{path.name}.again")
    with path.open("rb") as old, partial.open("wb") as new:
        for number, line in enumerate(old):
            generation = found.get(number)
            if generation is not None:
                fewer = lost or generation.n_missing < Generation.model_validate_json(line).n_missing
                line = to_line(generation).encode() if fewer else line
            new.write(line)
        new.flush()
        os.fsync(new.fileno())
    shutil.copymode(path, partial)
    os.replace(partial, path)
    sign(path, found)
