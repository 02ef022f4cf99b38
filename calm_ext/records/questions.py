"""Questions, the same in several languages."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, model_validator

from calm_ext.errors import DataError
from calm_ext.records.base import Identity, MaybeIndex, Names, Record, check_language, check_names


class Version(Record):
    """A question in one language; ``options`` are parallel by index over the languages."""

    question: str = Field(min_length=1)
    options: list[str] = Field(min_length=2)

    @model_validator(mode="after")
    def _no_empty_option(self) -> Version:
        for index, option in enumerate(self.options):
            if not option.strip():
                raise ValueError(f"option {index} is empty")
        return self


class ParallelQuestion(Record):
    """One culture-independent multiple-choice question in several languages.

    Attributes:
        id: unique within its set.
        answer: 0-based index of the right option, or its letter; None where it is not known.
        source_language: the language in which it was written, where that is known.
        versions: language code -> :class:`Version`.
        names: language code -> for each option what else it is called there, for answers in free text; None where only
            the options' texts are known. A language may be missing.
    """

    id: Identity
    answer: MaybeIndex = None
    source_language: str | None = None
    versions: dict[str, Version] = Field(min_length=1)
    names: dict[str, Names] | None = None

    @model_validator(mode="after")
    def _parallel(self) -> ParallelQuestion:
        counts = {language: len(v.options) for language, v in self.versions.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"the languages have different numbers of options: {counts}")
        n = next(iter(counts.values()))
        if self.answer is not None and not 0 <= self.answer < n:
            raise ValueError(f"answer {self.answer} is not one of the {n} options (0 to {n - 1})")
        for language in self.versions:
            check_language(language)
        for language, names in (self.names or {}).items():
            if language not in self.versions:
                raise ValueError(f"names are given in {language}, and there is no version in it")
            check_names(names, n, f"names.{language}")
        return self

    @property
    def n_options(self) -> int:
        """Number of options, the same in every language."""
        return len(next(iter(self.versions.values())).options)

    @property
    def shown_language(self) -> str:
        """The language in which to show it to a reader: its source language, else English, else its first."""
        return next(x for x in (self.source_language, "en", *self.versions) if x in self.versions)

    def restricted_to(self, languages: Iterable[str]) -> ParallelQuestion:
        """The same question with only ``languages``, in that order.

        Raises:
            DataError: a language is missing.
        """
        wanted = list(languages)
        missing = [x for x in wanted if x not in self.versions]
        if missing:
            have = ", ".join(self.versions)
            raise DataError(f"question {self.id} has no version in {', '.join(missing)} (it has {have})")
        names = {x: self.names[x] for x in wanted if x in self.names} if self.names else None
        return self.model_copy(update={"versions": {x: self.versions[x] for x in wanted}, "names": names or None})
