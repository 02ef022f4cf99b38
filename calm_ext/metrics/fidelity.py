"""Whether responses are in the language they were asked for in.

A response is held to be in another language only where that is sure: a Naive Bayes classifier (py3langid: Lui and
Baldwin 2012, langid.py; trained anew by Barbaresi) that chooses among the languages of the run, and English, into which
models fall, gives another one a probability of at least :data:`SURE`; or next to none of its letters are of the
language's script. What is too short, and a language that the classifier does not know, is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.answers.thoughts import Marks, strip_thoughts
from calm_ext.languages import LANGUAGES, get_language
from calm_ext.languages.scripts import NAMES, share_in_script
from calm_ext.metrics.automaton import Automaton

if TYPE_CHECKING:
    from calm_ext.records import Generation

#: Letters that a response must have to be judged, without its thoughts and the options' texts.
MIN_LETTERS = 20
#: Probability from which another language is sure. At 0.99 no sentence of KLAR, XCOPA and X-CSQA that was in its own
#: language was taken for another one, near languages such as Malay among the choices (few of those were tried).
SURE = 0.99
#: Share of the letters in the language's script below which the text is not in the language.
_MIN_SCRIPT = 0.1
# Probabilities so near SURE are computed as py3langid does it. Texts from which they are computed together.
_NEAR, _MANY = 1e-3, 12
# Responses that are judged together.
_CHUNK = 2000
#: Characters of a response that are looked at.
_LONGEST = 3000


_LETTERS = re.compile(rf"(?:[\W\d_]*[^\W\d_]){{{MIN_LETTERS}}}")


class Fidelity(NamedTuple):
    """What became of one language's responses.

    Attributes:
        judged: how many were long enough.
        foreign: how many of them are in another language.
    """

    judged: int
    foreign: int

    @property
    def share(self) -> float | None:
        """The share that is in the language asked for; None where none could be judged."""
        return 1 - self.foreign / self.judged if self.judged else None


class Response(NamedTuple):
    """A response to judge, the language that it should be in, and the options' texts; see :meth:`Judge.is_foreign`."""

    text: str
    language: str
    options: Sequence[str] = ()


class Judge:
    """Tells whether a text is in the language that it should be in.

    Args:
        languages: codes of the run.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        codes = dict.fromkeys(languages)
        known = _labels()
        #: language -> the classifier's name of it
        self._labels = {code: _label(code) for code in codes if _label(code) in known and not _invented(code)}
        scripts = {code: frozenset(NAMES.get(get_language(code).script, ())) for code in ("en", *codes)}
        #: languages whose script no other one has: a text that is mostly in it is theirs
        self._alone = {x for x in codes if not any(scripts[x] & scripts[y] for y in scripts if y != x)}
        self._identifier = _identifier(frozenset({*self._labels.values(), "en"}))

    @staticmethod
    @lru_cache(maxsize=16)
    def of(languages: frozenset[str]) -> Judge:
        """The judge of these languages, kept."""
        return Judge(sorted(languages))

    def load(self) -> None:
        """Make what :meth:`are_foreign` needs now, so that processes that are forked next have it."""
        _ = self._automaton

    def knows(self, language: str) -> bool:
        """Whether texts of the language can be judged."""
        return language in self._labels

    def is_foreign(self, text: str, language: str, *, options: Sequence[str] = (), thoughts: Marks = ()) -> bool | None:
        """Whether a response is in another language than the one asked for; None where it cannot be judged.

        Args:
            options: the options' texts, which are no evidence: they may be names.
            thoughts: marks of thoughts besides the known ones; in thoughts any language is allowed.

        >>> judge = Judge(["en", "fr"])
        >>> judge.is_foreign("Explanation: Fish live in water, not in the air.\\nAnswer: B", "fr")
        True
        >>> judge.is_foreign("Réponse : B", "fr") is None
        True
        """
        known = self._at_once(text, language, options, thoughts)
        return self._is_other(known, language) if isinstance(known, str) else known

    def are_foreign(self, responses: Sequence[Response], *, thoughts: Marks = ()) -> list[bool | None]:
        """What :meth:`is_foreign` says of each response; many at once are judged much faster than one by one."""
        found = [self._at_once(r.text, r.language, r.options, thoughts) for r in responses]
        open_ = [(x, r.language) for x, r in zip(found, responses, strict=True) if isinstance(x, str)]
        others = self._are_others(list(dict.fromkeys(open_)))
        return [others[x, r.language] if isinstance(x, str) else x for x, r in zip(found, responses, strict=True)]

    def _at_once(self, text: str, language: str, options: Sequence[str], thoughts: Marks) -> bool | str | None:
        """What is sure without the classifier; or the text to classify."""
        if language not in self._labels:
            return None
        rest = strip_thoughts(text, thoughts)[:_LONGEST]
        for option in map(str.strip, options):
            if len(option) > 1:
                rest = rest.replace(option, " ").replace(option[0].upper() + option[1:], " ")
        if _LETTERS.match(rest) is None:
            return None
        share = share_in_script(rest, get_language(language).script) if language in LANGUAGES else None
        if share is not None and share < _MIN_SCRIPT:
            return True
        if share is not None and share >= 0.5 and language in self._alone:
            return False
        return rest

    def _is_other(self, text: str, language: str) -> bool:
        found, probability = self._identifier.classify(text)
        return bool(found != self._labels[language] and probability >= SURE)

    def _are_others(self, texts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool]:
        """:meth:`_is_other` of texts and their languages, those that are near the limit one by one."""
        automaton = self._automaton if len(texts) >= _MANY else None
        if automaton is None:
            return {(text, language): self._is_other(text, language) for text, language in texts}
        found: dict[tuple[str, str], bool] = {}
        places = {label: i for i, label in enumerate(automaton.labels)}
        for (text, language), row in zip(texts, automaton.probabilities([x for x, _ in texts]), strict=True):
            row[places[self._labels[language]]] = 0
            most = float(row.max())
            near = abs(most - SURE) < _NEAR
            found[text, language] = self._is_other(text, language) if near else most >= SURE
        return found

    @cached_property
    def _automaton(self) -> Automaton | None:
        try:
            return Automaton(self._identifier)
        except AttributeError:
            return None


def fidelity(
    generations: Iterable[Generation], languages: Iterable[str], *, thoughts: Marks = ()
) -> dict[str, Fidelity | None]:
    """language -> how many of its sampled responses are in another one; None for a language that cannot be judged.

    Args:
        languages: all of the run.
    """
    judge = Judge.of(frozenset(languages))
    counts = {language: [0, 0] for language in languages}

    def responses() -> Iterator[Response]:
        for g in generations:
            counts.setdefault(g.language, [0, 0])
            if judge.knows(g.language):
                yield from (Response(text, g.language, g.options) for text in g.given)

    rest = responses()
    while chunk := list(islice(rest, _CHUNK)):
        for response, foreign in zip(chunk, judge.are_foreign(chunk, thoughts=thoughts), strict=True):
            own = counts[response.language]
            own[0] += foreign is not None
            own[1] += foreign is True
    return {x: Fidelity(*own) if judge.knows(x) else None for x, own in counts.items()}


def faithful(
    responses: Iterable[tuple[str, Response]], languages: Sequence[str], *, thoughts: Marks = ()
) -> dict[str, dict[str, bool | None]]:
    """question id -> language -> whether its response is in that language; None where it cannot be judged.

    Empty where none of the languages can be judged.

    Args:
        responses: the id of a question and a response to it.
        languages: all of the run.
    """
    if all(_invented(x) for x in languages):
        return {}
    judge, found, rest = Judge.of(frozenset(languages)), dict[str, dict[str, bool | None]](), iter(responses)
    while chunk := list(islice(rest, _CHUNK)):
        foreign = judge.are_foreign([response for _, response in chunk], thoughts=thoughts)
        for (identity, response), other in zip(chunk, foreign, strict=True):
            found.setdefault(identity, {})[response.language] = None if other is None else not other
    return found


def _label(code: str) -> str:
    """The classifier's name of a language: it knows no scripts and regions, and one Norwegian."""
    base = code.split("-")[0]
    return {"nb": "no", "fil": "tl"}.get(base, base)


def _invented(code: str) -> bool:
    return code in LANGUAGES and LANGUAGES[code].invented


@lru_cache(maxsize=1)
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _labels() -> frozenset[str]:
    return frozenset(_model().labels)


@lru_cache(maxsize=16)
def _identifier(labels: frozenset[str]) -> Any:
    """A classifier that chooses among these languages only; the large tables are shared."""
    import copy

    identifier = copy.copy(_model())
    identifier.set_languages(sorted(labels))
    return identifier
