"""Ask a backend questions, through lm-eval's task class, and keep what it says as generations.

Questions are asked in chunks, each written as a whole, and every request carries seeds: one for each response, of
(seed, question, language, index), and one for the chunk, of (seed, the chunk's first question). A backend that heeds
the former, as ``hf`` does (:mod:`calm_ext.models.decoding`), gives the same responses whatever the batch size, and a
run that was interrupted continues at the first missing chunk with the responses that it would have had. What the other
backends can promise stands in their files (:mod:`calm_ext.models.backends`).

A backend that pays for its responses keeps each in a journal beside the output as it comes
(:class:`calm_ext.files.journal.Journal`), so that an interruption costs those under way and no more.

A response that a backend could not give is None in its generation. Where it failed on the way (``finish`` is
``failed``) the next run asks for it again; where the server refused it, only ``retry`` does
(:mod:`calm_ext.harness.again`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError
from calm_ext.files.journal import Journal
from calm_ext.harness.again import Answer
from calm_ext.harness.generations import Mode, generations_of
from calm_ext.harness.lengths import with_lengths
from calm_ext.harness.scores import of_all_options, option_scores
from calm_ext.harness.written import ShardedAppender, Written
from calm_ext.models.backends import Backend, within
from calm_ext.models.endings import FAILED, LONGER, Endings
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.prompts import Style, require_letters
from calm_ext.records import Generation, ParallelQuestion
from calm_ext.retrieval.grounding import Grounding

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def derive_seed(seed: int, *parts: object) -> int:
    """A 31-bit seed that depends on all parts."""
    digest = hashlib.sha256("|".join(map(str, (seed, *parts))).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def sample(
    backend: Backend,
    questions: Sequence[ParallelQuestion],
    output: str | Path,
    *,
    mode: Mode,
    style: Style = "explain",
    n: int = 8,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_new_tokens: int = 256,
    seed: int = 0,
    chat_template: bool = False,
    priors: bool = False,
    grounding: Grounding | None = None,
    shard_bytes: int | None = None,
    chunk: int | None = None,
    retry: bool = False,
    endings: Endings | None = None,
    progress: Callable[[int], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> int:
    """Append the generations of all questions that ``output`` does not have yet; returns how many questions were asked.

    Args:
        mode: ``generate`` samples ``n`` responses per question and language at ``temperature``; ``options`` scores the
            text of every option (style ``cloze``), or its letter (style ``letters``).
        chat_template: wrap the prompt as the user's turn of the model's chat template.
        priors: in mode options, score the options after the bare cue, too.
        grounding: the passages to ask with.
        shard_bytes: write shards beside ``output`` (:mod:`calm_ext.harness.written`), each of at least so many bytes.
        chunk: questions that are asked and written together; default: the backend's.
        retry: ask again, first, what is there and lacks responses.
        endings: filled with how the responses ended, those that were there included, and why some are missing.
        progress: called with the number of questions done so far, after each chunk.
        say: called with what was found wrong with the lines that are there, and asked again.

    Raises:
        DataError: ``output`` has generations of other questions, or a shard of it is missing between others.
        CalmError: a question has more options than its style has letters; a chat template was asked for and the model
            has none; several processes were started; there is no response to any of the first questions.
    """
    style_here: Style = "cloze" if mode == "options" and style != "letters" else style
    for question in questions:
        require_letters(question.n_options, style_here, what=f"question {question.id}")
    if chat_template and not backend.can_chat():
        raise CalmError("sampling.chat_template is true, but the model's tokenizer has no chat template")
    if backend.world_size > 1:
        raise CalmError("sampling runs in one process; start it without `accelerate launch`")
    chunk = chunk or backend.chunk
    output = Path(output)
    endings = Endings() if endings is None else endings
    journal = Journal(output.with_name(f".{output.name}.journal")) if backend.paid else None
    backend.journal = journal
    kwargs: dict[str, Any] = {
        "do_sample": True,
        "temperature": temperature,
        "top_p": top_p,
        "max_gen_toks": max_new_tokens,
        "until": ["\n"] if style in ("direct", "open") else [],
    }

    def answer(part: Sequence[ParallelQuestion]) -> list[Generation]:
        responses = ask_model(
            backend,
            part,
            style=style_here,
            generation_kwargs=kwargs,
            repeats=n if mode == "generate" else 1,
            chat_template=chat_template,
            seed=seed,
            grounding=grounding,
            known=known,
        )
        _explain(responses, endings)
        made = generations_of(part, responses, style_here, mode, chat_template, grounding, seed)
        return with_lengths(backend, made, priors=priors) if style_here == "cloze" else made

    known: dict[tuple[str, str], list[Reply | None]] = {}
    finished = False
    try:
        written = Written(output, questions)
        _mend(written, answer, chunk=chunk, say=say)
        done, lacking = written.resume(1 if journal else chunk, endings)
        again = {line: replies for line, replies in lacking.items() if retry or _failed(replies)}
        asked = 0
        if again:
            for line, replies in again.items() if mode == "generate" else ():
                question, language = _at(questions, line)
                kept = [x if x.text is not None or not (retry or x.finish == FAILED) else None for x in replies]
                known[question.id, language] = kept if len(kept) == n else []
            asked = written.ask_again(list(again), answer, chunk=chunk)
            known.clear()
            endings.forget()
            done, _ = written.resume(1 if journal else chunk, endings)
        with ShardedAppender(output, shard_bytes) as appender:
            for start in range(done, len(questions), chunk):
                part = questions[start : start + chunk]
                backend.watch = within(progress, start, len(part)) if progress else None
                made = answer(part)
                for g in made:
                    endings.add(g.language, g.responses, g.finish)
                silent = mode == "generate" and not endings.given
                if silent and endings.refused:
                    raise CalmError(f"there is no response to any of the questions: {endings.first_reason()}")
                appender.append(made)
                if journal:
                    journal.settle()
                asked += len(part)
                if silent and start + chunk < len(questions):
                    none = f"there is no response to any of the first {start + len(part)} questions"
                    raise CalmError(f"{none}: {endings.first_reason()}; {LONGER}, and go on with --retry")
                if progress:
                    progress(start + len(part))
        finished = True
    finally:
        backend.journal = backend.watch = None
        if journal:
            journal.close(finished=finished)
    return asked


def _at(questions: Sequence[ParallelQuestion], line: int) -> tuple[ParallelQuestion, str]:
    """The question and language of a line of the output, from 0."""
    number, place = divmod(line, len(questions[0].versions))
    return questions[number], list(questions[number].versions)[place]


def _failed(replies: Sequence[Reply]) -> bool:
    return any(reply.text is None and reply.finish == FAILED for reply in replies)


def _mend(written: Written, answer: Answer, *, chunk: int, say: Callable[[str], None] | None) -> None:
    """Ask again what is not as it was written: lines that were changed, or are gone from the middle of a file."""
    lost = written.restore()
    if lost:
        if say:
            say(f"{len(lost)} generations are not as they were written: asked again")
        written.ask_again(lost, answer, chunk=chunk, lost=True)


def _explain(responses: Mapping[tuple[str, str], Sequence[Reply]], endings: Endings) -> None:
    """Keep why responses are missing."""
    for (question, language), replies in responses.items():
        for reply in replies:
            if isinstance(reply, Reply) and reply.text is None and reply.why:  # else it was not asked for this time
                endings.explain(f"{question} in {language}", reply.why)


def ask_model(
    backend: Backend,
    questions: Sequence[ParallelQuestion],
    *,
    style: Style,
    generation_kwargs: dict[str, Any],
    repeats: int,
    chat_template: bool,
    seed: int,
    grounding: Grounding | None = None,
    known: Mapping[tuple[str, str], Sequence[Reply | None]] | None = None,
) -> dict[tuple[str, str], list[Any]]:
    """(question id, language) -> the replies, or the (log-probability, greedy) of each option.

    Args:
        known: the replies that are there already; see :class:`~calm_ext.models.request.SampleRequest`.
    """
    from calm_ext.harness.task import CrossLingualTask

    task = CrossLingualTask.from_questions(
        questions,
        name="calm_sampling",
        style=style,
        generation_kwargs=generation_kwargs,
        repeats=repeats,
        grounding=grounding,
        order_seed=seed,
    )
    task.build_all_requests(
        limit=None,
        rank=0,
        world_size=1,
        apply_chat_template=chat_template,
        chat_template=backend.apply_chat_template if chat_template else None,
    )
    keys = []
    for instance in task.instances:
        doc = instance.doc
        per_language = len(doc["options"][0]) if task.scored else 1
        keys.append((doc["id"], doc["languages"][instance.idx // per_language]))
    if task.scored:
        answers = option_scores(backend, task.instances)
    else:
        answers = _generated(backend, task.instances, keys, seed, known or {})
    result: dict[tuple[str, str], list[Any]] = {}
    for key, answer in zip(keys, answers, strict=True):
        result.setdefault(key, []).extend(answer)
    return {key: of_all_options(own) for key, own in result.items()} if task.scored else result


def _generated(
    backend: Backend,
    instances: Sequence[Instance],
    keys: Sequence[tuple[str, str]],
    seed: int,
    known: Mapping[tuple[str, str], Sequence[Reply | None]],
) -> list[list[Reply]]:
    """The replies to each request, as many as it repeats."""
    requests = []
    call_seed = derive_seed(seed, keys[0][0])
    for instance, (question, language) in zip(instances, keys, strict=True):
        text, kwargs = instance.args
        seeds = [derive_seed(seed, question, language, index) for index in range(instance.repeats or 1)]
        had = known.get((question, language), ())
        requests.append(SampleRequest(f"{question} in {language}", text, kwargs["until"], seeds, call_seed, had))
    found = backend.respond(
        requests,
        temperature=kwargs["temperature"] if kwargs["do_sample"] else 0.0,
        top_p=kwargs["top_p"],
        max_new_tokens=kwargs["max_gen_toks"],
    )
    return [[Reply.of(said) for said in replies] for replies in found]
