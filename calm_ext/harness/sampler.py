"""Ask a backend questions, through lm-eval's task class, and keep what it says as generations.

Questions are asked in chunks, each written as a whole, and every request carries seeds: one for each response, of
(seed, question, language, index), and one for the chunk, of (seed, the chunk's first question). A backend that heeds
the former, as ``hf`` does (:mod:`calm_ext.models.decoding`), gives the same responses whatever the batch size, and a
run that was interrupted continues at the first missing chunk with the responses that it would have had. What the other
backends can promise stands in their files (:mod:`calm_ext.models.backends`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import Appender, read_jsonl
from calm_ext.models.backends import Backend
from calm_ext.models.request import SampleRequest
from calm_ext.prompts import Style, ask, require_letters
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
    grounding: Grounding | None = None,
    chunk: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Append the generations of all questions that ``output`` does not have yet; returns how many questions were asked.

    Args:
        mode: ``generate`` samples ``n`` responses per question and language at ``temperature``; ``options`` scores the
            text of every option (style ``cloze``).
        chat_template: wrap the prompt as the user's turn of the model's chat template.
        grounding: the passages to ask with.
        chunk: questions that are asked and written together; default: the backend's.
        progress: called with the number of questions done so far, after each chunk.

    Raises:
        DataError: ``output`` has generations of other questions.
        CalmError: a question has more options than its style has letters; a chat template was asked for and the model
            has none; several processes were started.
    """
    if chat_template and not backend.can_chat():
        raise CalmError("sampling.chat_template is true, but the model's tokenizer has no chat template")
    if backend.world_size > 1:
        raise CalmError("sampling runs in one process; start it without `accelerate launch`")
    for question in questions:
        require_letters(question.n_options, style if mode == "generate" else "cloze", what=f"question {question.id}")
    chunk = chunk or backend.chunk
    done = _resume(Path(output), questions, chunk)
    asked = 0
    with Appender(output) as appender:
        for start in range(done, len(questions), chunk):
            part = questions[start : start + chunk]
            style_here: Style = "cloze" if mode == "options" else style
            kwargs: dict[str, Any] = {
                "do_sample": True,
                "temperature": temperature,
                "top_p": top_p,
                "max_gen_toks": max_new_tokens,
            }
            kwargs["until"] = ["\n"] if style == "direct" else []
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
            appender.append(_generations(part, responses, style_here, mode, chat_template, grounding))
            asked += len(part)
            if progress:
                progress(start + len(part))
    return asked


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
    """(question id, language) -> the responses, or the (log-probability, greedy) of each option."""
    from calm_ext.harness.task import CrossLingualTask

    task = CrossLingualTask.from_questions(
        questions,
        name="calm_sampling",
        style=style,
        generation_kwargs=generation_kwargs,
        repeats=repeats,
        grounding=grounding,
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
) -> list[list[str]]:
    """The responses to each request, as many as it repeats."""
    requests = []
    call_seed = derive_seed(seed, keys[0][0])
    for instance, (question, language) in zip(instances, keys, strict=True):
        text, kwargs = instance.args
        seeds = [derive_seed(seed, question, language, index) for index in range(instance.repeats or 1)]
        requests.append(SampleRequest(f"{question} in {language}", text, kwargs["until"], seeds, call_seed))
    return backend.respond(
        requests,
        temperature=kwargs["temperature"] if kwargs["do_sample"] else 0.0,
        top_p=kwargs["top_p"],
        max_new_tokens=kwargs["max_gen_toks"],
    )


def _generations(
    questions: Sequence[ParallelQuestion],
    responses: dict[tuple[str, str], list[Any]],
    style: Style,
    mode: Mode,
    chat_template: bool,
    grounding: Grounding | None,
) -> list[Generation]:
    result = []
    for question in questions:
        for language, version in question.versions.items():
            read = grounding.found[question.id, language].passages if grounding else []
            text = ask(language, version.question, version.options, style, [p.shown() for p in read])
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
                    responses=got if mode == "generate" else [],
                    option_logprobs=[float(x[0]) for x in got] if mode == "options" else None,
                    passages=[p.id for p in read],
                )
            )
    return result


def _resume(output: Path, questions: Sequence[ParallelQuestion], chunk: int) -> int:
    """Number of questions that are there already, whole chunks of them; what comes after is cut off."""
    if not output.exists():
        return 0
    Appender(output).close()  # cuts an incomplete last line
    expected = [(q.id, language) for q in questions for language in q.versions]
    have = []
    for index, generation in enumerate(read_jsonl(output, Generation, allow_empty=True)):
        if index >= len(expected) or (generation.id, generation.language) != expected[index]:
            raise DataError(
                f"{output}:{index + 1}: is {generation.id} in {generation.language}, not what stands there "
                f"in the questions file; remove the file to sample anew"
            )
        have.append((generation.id, generation.language))
    per_question = len(questions[0].versions)
    complete = len(have) // per_question
    whole = complete if complete == len(questions) else complete // chunk * chunk
    if whole * per_question < len(have):
        with output.open("rb") as handle:
            size = sum(len(line) for line, _ in zip(handle, range(whole * per_question), strict=False))
        with output.open("r+b") as handle:
            handle.truncate(size)
    return whole
