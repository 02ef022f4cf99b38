"""Another instruction in training than in sampling, as the paper has it.

Its samples were drawn with "Answer the multiple choice question …", and its pairs are trained on with "Think step by
step …, three sentences or less" (https://github.com/wangym2/CALM, ``data/xcsqa/samples`` and ``construct_DPO_data_`` in
``utils/votingfunc.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from calm_ext.errors import DataError
from calm_ext.prompts import ask
from calm_ext.records import Generation, Prompt


def instructed(
    generations: Iterable[tuple[str, Generation]], instructions: Mapping[str, str]
) -> Iterator[tuple[str, Generation]]:
    """The generations, each with the prompt that is trained on instead of the one that was sampled.

    Args:
        generations: asked in style ``explain``, each with its place (``file:line``).
        instructions: language -> words of the instruction; a language without any keeps its prompts.

    Raises:
        DataError: a prompt to change has passages, whose texts are not among the generations.
    """
    for where, generation in generations:
        words = instructions.get(generation.language)
        if words:
            if generation.passages:
                raise DataError(f"{where}: the prompt has passages, with which pairs.instructions does not go")
            generation = generation.model_copy(update={"prompt": _prompt(generation, words)})
        yield where, generation


def _prompt(generation: Generation, words: str) -> Prompt:
    """The question asked with other words; turns of a chat before the last one stay."""
    text = ask(generation.language, generation.question, generation.options, "explain", words=words)
    if isinstance(generation.prompt, str):
        return text
    return [*generation.prompt[:-1], {**generation.prompt[-1], "content": text}]
