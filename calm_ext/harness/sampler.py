"""Ask a backend questions, through lm-eval's task class, and keep what it says as generations.

Questions are asked in chunks, each written as a whole, and every request carries seeds: one for each response, of
(seed, question, language, index), and one for the chunk, of (seed, the chunk's first question). A backend that heeds
the former, as ``hf`` does (:mod:`calm_ext.models.decoding`), gives the same responses whatever the batch size, and a
run that was interrupted continues at the first missing chunk with the responses that it would have had. What the other
backends can promise stands in their files (:mod:`calm_ext.models.backends`).

A response that a backend could not give is None in its generation. It stays so until the question is asked again
(:mod:`calm_ext.harness.again`).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calm_ext.errors import CalmError, DataError
from calm_ext.harness.again import ask_again
from calm_ext.harness.lengths import with_lengths
from calm_ext.jsonl import Appender, read_jsonl
from calm_ext.models.backends import Backend
from calm_ext.models.endings import LONGER, Endings
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.prompts import Style, ask, require_letters, shown_order
from calm_ext.records import Generation, ParallelQuestion, Prompt
from calm_ext.retrieval.grounding import Grounding

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

Mode = Literal["generate", "options"]


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
    chunk: int | None = None,
    retry: bool = False,
    endings: Endings | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Append the generations of all questions that ``output`` does not have yet; returns how many questions were asked.

    Args:
        mode: ``generate`` samples ``n`` responses per question and language at ``temperature``; ``options`` scores the
            text of every option (style ``cloze``), or its letter (style ``letters``).
        chat_template: wrap the prompt as the user's turn of the model's chat template.
        priors: in mode options, score the options after the bare cue, too.
        grounding: the passages to ask with.
        chunk: questions that are asked and written together; default: the backend's.
        retry: ask again, first, what is there and lacks responses.
        endings: filled with how the responses ended, those that were there included, and why some are missing.
        progress: called with the number of questions done so far, after each chunk.

    Raises:
        DataError: ``output`` has generations of other questions.
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
        )
        if mode == "generate":
            _explain(responses, endings)
        made = _generations(part, responses, style_here, mode, chat_template, grounding, seed)
        return with_lengths(backend, made, priors=priors) if style_here == "cloze" else made

    done, lacking = _resume(output, questions, chunk, endings)
    asked = 0
    if retry and lacking:
        asked = ask_again(output, lacking, questions, answer, chunk=chunk)
        endings.forget()
        done, _ = _resume(output, questions, chunk, endings)
    with Appender(output) as appender:
        for start in range(done, len(questions), chunk):
            part = questions[start : start + chunk]
            made = answer(part)
            for g in made:
                endings.add(g.language, g.responses, g.finish)
            silent = mode == "generate" and not endings.given
            if silent and endings.refused:
                raise CalmError(f"there is no response to any of the questions: {endings.first_reason()}")
            appender.append(made)
            asked += len(part)
            if silent and start + chunk < len(questions):
                none = f"there is no response to any of the first {start + len(part)} questions"
                raise CalmError(f"{none}: {endings.first_reason()}; {LONGER}, and go on with --retry")
            if progress:
                progress(start + len(part))
    return asked


def _explain(responses: Mapping[tuple[str, str], Sequence[Reply]], endings: Endings) -> None:
    """Keep why responses are missing."""
    for (question, language), replies in responses.items():
        for reply in replies:
            if reply.text is None:
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
) -> dict[tuple[str, str], list[Any]]:
    """(question id, language) -> the replies, or the (log-probability, greedy) of each option."""
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
    answers = _scored(backend, task.instances) if task.scored else _generated(backend, task.instances, keys, seed)
    result: dict[tuple[str, str], list[Any]] = {}
    for key, answer in zip(keys, answers, strict=True):
        result.setdefault(key, []).extend(answer)
    return result


def _scored(backend: Backend, instances: Sequence[Instance]) -> list[list[Any]]:
    return [[answer] for answer in backend.loglikelihood(list(instances), disable_tqdm=True)]


def _generated(
    backend: Backend, instances: Sequence[Instance], keys: Sequence[tuple[str, str]], seed: int
) -> list[list[Reply]]:
    """The replies to each request, as many as it repeats."""
    requests = []
    call_seed = derive_seed(seed, keys[0][0])
    for instance, (question, language) in zip(instances, keys, strict=True):
        text, kwargs = instance.args
        seeds = [derive_seed(seed, question, language, index) for index in range(instance.repeats or 1)]
        requests.append(SampleRequest(f"{question} in {language}", text, kwargs["until"], seeds, call_seed))
    found = backend.respond(
        requests,
        temperature=kwargs["temperature"] if kwargs["do_sample"] else 0.0,
        top_p=kwargs["top_p"],
        max_new_tokens=kwargs["max_gen_toks"],
    )
    return [[Reply.of(said) for said in replies] for replies in found]


def _generations(
    questions: Sequence[ParallelQuestion],
    responses: dict[tuple[str, str], list[Any]],
    style: Style,
    mode: Mode,
    chat_template: bool,
    grounding: Grounding | None,
    seed: int,
) -> list[Generation]:
    result = []
    for question in questions:
        shown = shown_order(question.id, question.n_options, seed) if style == "letters" else None
        for language, version in question.versions.items():
            read = grounding.found[question.id, language].passages if grounding else []
            options = [version.options[i] for i in shown] if shown else version.options
            text = ask(language, version.question, options, style, [p.shown() for p in read])
            prompt: Prompt = [{"role": "user", "content": text}] if chat_template else text
            got = responses[question.id, language]
            result.append(
                Generation(
                    id=question.id,
                    language=language,
                    source_language=question.source_language,
                    question=version.question,
                    options=version.options,
                    answer=question.answer,
                    prompt=prompt,
                    responses=[reply.text for reply in got] if mode == "generate" else [],
                    finish=_finish(got) if mode == "generate" else None,
                    option_logprobs=[float(x[0]) for x in got] if mode == "options" else None,
                    shown=shown,
                    passages=[p.id for p in read],
                    names=(question.names or {}).get(language) if style == "open" else None,
                )
            )
    return result


def _finish(replies: Sequence[Reply]) -> list[str | None] | None:
    """How the responses ended; None where all did so by themselves, or nothing is known."""
    ends = [reply.finish for reply in replies]
    return None if set(ends) <= {"stop"} or set(ends) <= {None} else ends


def _resume(output: Path, questions: Sequence[ParallelQuestion], chunk: int, endings: Endings) -> tuple[int, list[int]]:
    """Number of questions that are there already, whole chunks of them; what comes after is cut off.

    The second value names the lines among them, from 0, that lack responses.
    """
    if not output.exists():
        return 0, []
    Appender(output).close()  # cuts an incomplete last line
    expected = [(q.id, language) for q in questions for language in q.versions]
    have: list[tuple[str, list[str | None], list[str | None] | None]] = []
    for index, generation in enumerate(read_jsonl(output, Generation, allow_empty=True)):
        if index >= len(expected) or (generation.id, generation.language) != expected[index]:
            raise DataError(
                f"{output}:{index + 1}: is {generation.id} in {generation.language}, not what stands there "
                f"in the questions file; remove the file to sample anew"
            )
        there = [None if x is None else "" for x in generation.responses]
        have.append((generation.language, there, generation.finish))
    ends = list(accumulate((len(q.versions) for q in questions), initial=0))  # lines up to and with each question
    complete = bisect_right(ends, len(have)) - 1
    whole = complete if complete == len(questions) else complete // chunk * chunk
    if ends[whole] < len(have):
        with output.open("rb") as handle:
            size = sum(len(line) for line, _ in zip(handle, range(ends[whole]), strict=False))
        with output.open("r+b") as handle:
            handle.truncate(size)
    kept = have[: ends[whole]]
    for own in kept:
        endings.add(*own)
    return whole, [i for i, (_, responses, _) in enumerate(kept) if None in responses]
