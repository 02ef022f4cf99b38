"""The thoughts of a response: what a model writes for itself, between marks, before it answers.

Known are the marks of the model families of 2024 to 2026 (:data:`TAGS`, :data:`PAIRS`, gpt-oss's channels, Granite's
headings); a recipe names others in ``sampling.thoughts``. A chat template may have written the opening mark into the
prompt, so a closing mark alone ends a thought that began with the response.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

#: Pairs of marks, opening and closing.
Marks = Sequence[Sequence[str]]

#: Names of tags, ``<think>…</think>``: DeepSeek, Qwen, GLM, Phi, Hunyuan, EXAONE, Seed, Claude's prompts, and others.
TAGS = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reason", "reflection", "analysis", "scratchpad", "cot",
    "chain_of_thought", "inner_monologue", "internal_thoughts", "internal_monologue", "deliberation", "antthinking",
    "seed:think", "longcat_think", "think_fast", "think_slow", "brainstorm", "rationale",
)  # fmt: skip

#: Other marks: Magistral, Kimi, Sky-T1 and other distilled models, Cohere, Apertus, Solar, MedGemma, Gemma.
PAIRS = (
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|think|>", "<|/think|>"),
    ("<|think_start|>", "<|think_end|>"),
    ("<|thinking|>", "<|/thinking|>"),
    ("<unused94>thought", "<unused95>"),
    ("<|channel>thought", "<channel|>"),
)

_NAMES = "|".join(sorted(map(re.escape, TAGS), key=len, reverse=True))
_TAG_OPEN, _TAG_CLOSE = rf"<(?:{_NAMES})(?:\s[^<>\n]{{0,80}})?>", rf"</(?:{_NAMES})\s{{0,4}}>"
# gpt-oss: <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>; a decoder
# that skips special tokens leaves analysis…assistantfinal….
_CHANNEL_OPEN = (
    r"(?:<\|start\|>\s{0,4}assistant\s{0,4})?<\|channel\|>\s{0,4}(?:analysis|commentary)[^<\n]{0,60}"
    r"(?:<\|constrain\|>[^<\n]{0,20})?<\|message\|>|\A\s{0,9}analysis(?=[A-Z\"'“‘])"
)
_CHANNEL_CLOSE = (
    r"<\|(?:end|return|call)\|>|(?=<\|start\|>)|(?:<\|start\|>\s{0,4}assistant\s{0,4})?<\|channel\|>\s{0,4}final\b[^<\n]{0,40}"
    r"<\|message\|>|assistantfinal"
)
_FINAL = r"(?:<\|start\|>\s{0,4}assistant\s{0,4})?<\|channel\|>\s{0,4}final\b[^<\n]{0,40}<\|message\|>"
# Granite's headings, in lines of their own.
_HEAD_OPEN, _HEAD_CLOSE = r"Here(?: is|'s|’s) my thought process:", r"Here(?: is|'s|’s) my response:"
_TAG = re.compile(rf"<(?:/?(?:{_NAMES})\b|\||unused9|channel\|)", re.IGNORECASE)


class Split(NamedTuple):
    """A response in two.

    Attributes:
        thoughts: the texts between marks, in their order.
        rest: everything else.
        unclosed: whether the last thought has no end; ``rest`` is then what stands before it.
    """

    thoughts: tuple[str, ...]
    rest: str
    unclosed: bool


def split_thoughts(text: str, marks: Marks = ()) -> Split:
    """A response, split into its thoughts and the rest.

    Marks in a thought that do not end it are part of it. A closing mark outside a thought ends one that began with the
    response.

    Args:
        marks: more pairs, opening and closing, besides those that are known.

    >>> split_thoughts("<think>Air? No.</think>Answer: B")
    Split(thoughts=('Air? No.',), rest='Answer: B', unclosed=False)
    >>> split_thoughts("No.[/THINK]Answer: B").rest
    'Answer: B'
    >>> split_thoughts("Hm. %%Air?", [("%%", "%%")])
    Split(thoughts=('Air?',), rest='Hm. ', unclosed=True)
    """
    if not marks and not may_have_thoughts(text):
        return Split((), text, False)
    families = _families(tuple((a, b) for a, b in marks))
    thoughts: list[str] = []
    rest: list[str] = []
    inside: re.Pattern[str] | None = None  # what ends the thought
    at = 0
    while True:
        match = (inside or families.outside).search(text, at)
        if match is None:
            break
        before, at = text[at : match.start()], match.end()
        if inside:
            thoughts.append(before)
            inside = None
        elif match.lastgroup == "final":
            rest.append(before)
        elif match.lastgroup == "stray":
            thoughts.append("".join([*rest, before]))
            rest = []
        else:
            rest.append(before)
            inside = families.closing[int(str(match.lastgroup)[1:])]
    (thoughts if inside else rest).append(text[at:])
    return Split(tuple(thoughts), "".join(rest), inside is not None)


def may_have_thoughts(text: str) -> bool:
    """Whether there is something in a text that looks like a known mark; fast, because most texts have none."""
    return bool(
        ("<" in text and _TAG.search(text))
        or ("[" in text and "think]" in text.lower())
        or "◁" in text
        or "Here" in text
        or "analysis" in text[:20]
    )


def strip_thoughts(text: str, marks: Marks = ()) -> str:
    """A response without its thoughts, without space around it; what stands before a thought that has no end.

    >>> strip_thoughts("<think>\\nAir? No.\\n</think>\\n\\nAnswer: B")
    'Answer: B'
    """
    split = split_thoughts(text, marks)
    return split.rest.strip() if split.thoughts else split.rest


def marks_signature(marks: Marks) -> str:
    """The part of a vote's signature that names marks a user gave; empty without any.

    >>> marks_signature([("<plan>", "</plan>")])
    '|thoughts:<plan>…</plan>'
    """
    return "|thoughts:" + ",".join(f"{a}…{b}" for a, b in marks) if marks else ""


class _Families(NamedTuple):
    closing: tuple[re.Pattern[str], ...]  # of each pair of marks
    outside: re.Pattern[str]  # what may begin or end a thought where none is open


@lru_cache(maxsize=64)
def _families(marks: tuple[tuple[str, str], ...]) -> _Families:
    """The patterns of all known marks and these."""
    pairs = [
        (_TAG_OPEN, _TAG_CLOSE),
        (_CHANNEL_OPEN, _CHANNEL_CLOSE),
        (rf"(?m:^)[ \t#*]{{0,8}}{_HEAD_OPEN}", rf"(?m:^)[ \t#*]{{0,8}}{_HEAD_CLOSE}"),
        *((re.escape(a), re.escape(b)) for a, b in (*PAIRS, *marks)),
    ]
    # Given marks come first: one may begin as a known one does.
    order = [*range(len(pairs) - len(marks), len(pairs)), *range(len(pairs) - len(marks))]
    opening = "|".join(rf"(?P<o{i}>{pairs[i][0]})" for i in order)
    same = [b for a, b in marks if a == b]
    closing = "|".join([_TAG_CLOSE, *(re.escape(b) for _, b in (*PAIRS, *marks) if b not in same)])
    return _Families(
        tuple(re.compile(close, re.IGNORECASE) for _, close in pairs),
        re.compile(rf"{opening}|(?P<final>{_FINAL})|(?P<stray>{closing})", re.IGNORECASE),
    )
