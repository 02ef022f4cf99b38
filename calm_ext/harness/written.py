"""The generations that a sampler wrote: in one file, or in shards beside where it would be, each with its digests.

A shard ends with the question that takes it to its size, so that where it ends depends on what is written alone, not
on how many questions were asked together, or when somebody interrupted it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from pathlib import Path

from calm_ext.disk.lines import CheckedAppender, count_lines, restore, sums_of
from calm_ext.disk.shards import shard_after, written_shards
from calm_ext.errors import DataError
from calm_ext.harness.again import Answer, ask_again
from calm_ext.jsonl import Appender, read_numbered, to_line
from calm_ext.models.endings import Endings
from calm_ext.models.request import Reply
from calm_ext.records import Generation, ParallelQuestion


class Written:
    """The generations of questions that are there already.

    Args:
        output: the one file; its shards lie beside it (:func:`calm_ext.disk.shards.written_shards`).
        questions: all that are asked, in their order.

    Raises:
        DataError: a shard is missing between others.
    """

    def __init__(self, output: Path, questions: Sequence[ParallelQuestion]) -> None:
        self.output, self.questions = output, questions
        # Lines up to and with each question.
        self._ends = list(accumulate((len(q.versions) for q in questions), initial=0))
        written_shards(output)

    def restore(self) -> list[int]:
        """Put the lines in order again; returns those, from 0, that are not as they were written.

        Raises:
            DataError: there are such lines behind those of all questions.
        """
        lost, first = [], 0
        files = written_shards(self.output)
        for path in files:
            lost += [first + line for line in restore(path, whole=path != files[-1])]
            first += count_lines(path)
        if lost and lost[-1] >= self._ends[-1]:
            raise DataError(f"{self.output}: has generations of other questions; remove the file to sample anew")
        return lost

    def ask_again(self, lines: Sequence[int], answer: Answer, *, chunk: int, lost: bool = False) -> int:
        """Ask again for lines, counted from 0; see :func:`calm_ext.harness.again.ask_again`."""
        asked = first = 0
        for path in written_shards(self.output):
            n = count_lines(path)
            own = [line - first for line in lines if first <= line < first + n]
            if own:
                rest = self.questions[bisect_left(self._ends, first) :]
                asked += ask_again(path, own, rest, answer, chunk=chunk, lost=lost)
            first += n
        return asked

    def resume(self, chunk: int, endings: Endings) -> tuple[int, dict[int, list[Reply]]]:
        """Number of questions that are there already, whole chunks of them; what comes after is cut off.

        The second value are the lines among them, from 0, that lack responses, with those that they have.

        Args:
            endings: filled with how the responses ended that stay.

        Raises:
            DataError: a line is of another question than stands at its place.
        """
        files = written_shards(self.output)
        if not files:
            return 0, {}
        Appender(files[-1]).close()  # cuts an incomplete last line
        expected = [(q.id, language) for q in self.questions for language in q.versions]
        have: list[tuple[str, list[str | None], list[str | None] | None]] = []
        lacking: dict[int, list[Reply]] = {}
        for index, (where, generation) in enumerate(_records(files)):
            if index >= len(expected) or (generation.id, generation.language) != expected[index]:
                raise DataError(
                    f"{where}: is {generation.id} in {generation.language}, not what stands there in the questions "
                    f"file; remove the file to sample anew"
                )
            there = [None if x is None else "" for x in generation.responses]
            have.append((generation.language, there, generation.finish))
            if generation.n_missing:
                said = generation.finish or [None] * len(there)
                lacking[index] = [Reply(text, end) for text, end in zip(generation.responses, said, strict=True)]
        complete = bisect_right(self._ends, len(have)) - 1
        whole = complete if complete == len(self.questions) else complete // chunk * chunk
        kept = have[: self._ends[whole]]
        if len(kept) < len(have):
            self._cut(len(kept))
        for own in kept:
            endings.add(*own)
        return whole, {line: replies for line, replies in lacking.items() if line < len(kept)}

    def _cut(self, lines: int) -> None:
        """Cut off what stands behind so many lines; the last shards first, so that none is missing in between."""
        files = written_shards(self.output)
        counts = [count_lines(path) for path in files]
        befores = list(accumulate(counts, initial=0))
        for path, before, n in reversed(list(zip(files, befores, counts, strict=False))):
            if before >= lines and path != files[0]:
                path.unlink()
                sums_of(path).unlink(missing_ok=True)
            elif before + n > lines:
                with path.open("rb") as handle:
                    size = sum(len(line) for line, _ in zip(handle, range(lines - before), strict=False))
                with path.open("r+b") as handle:
                    handle.truncate(size)


class ShardedAppender:
    """Appends generations to one file, or to shards.

    Args:
        output: the one file.
        most: bytes from which a shard is full; None for one file, or for the last shard where there are some.
    """

    def __init__(self, output: Path, most: int | None) -> None:
        self._output, self._most = output, most
        there = written_shards(output)
        path = there[-1] if there else (output if most is None else shard_after(output, []))
        self._open(path)

    def _open(self, path: Path) -> None:
        self._lines = CheckedAppender(path)
        self._size = path.stat().st_size

    def append(self, made: Sequence[Generation]) -> None:
        """Write generations, those of a question one after the other; each file's are flushed to disk as a whole."""
        if self._most is None:
            self._lines.append(made)
            return
        waiting: list[Generation] = []
        for _, own in groupby(made, key=lambda g: g.id):
            if self._size >= self._most:
                self._lines.append(waiting)
                self._lines.close()
                self._open(shard_after(self._output, written_shards(self._output)))
                waiting = []
            question = list(own)
            waiting += question
            self._size += sum(len(to_line(g).encode()) for g in question)
        self._lines.append(waiting)

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def __enter__(self) -> ShardedAppender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _records(files: Sequence[Path]) -> Iterator[tuple[str, Generation]]:
    for path in files:
        yield from read_numbered(path, Generation, allow_empty=True)
