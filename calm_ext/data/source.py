"""What a source of questions is: :class:`Source`, one ``SOURCE`` in each file of :mod:`calm_ext.data.sources`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from calm_ext.errors import CalmError
from calm_ext.jsonl import explain
from calm_ext.options import Section

if TYPE_CHECKING:
    from calm_ext.data.parallel.rows import Joined
    from calm_ext.records import CorpusPassage, Passages


class NoOptions(Section):
    """The options of a source that has none."""


class FolderOptions(Section):
    """The options of a source that is read from files."""

    data_dir: str | None = None
    """Directory or base URL of the source's files; default: ``$CALM_DATA_DIR`` for the paper's files, else where they
    are published."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of parallel questions.

    Attributes:
        name: how recipes, verbs and tasks call it.
        load: ``load(split, *, languages, **options)`` gives the questions of a split
            (:class:`~calm_ext.data.parallel.rows.Joined`), with at least the languages named. It receives every key of
            ``options``.
        splits: the splits it has, the one to evaluate on first. A recipe asks ``train``, where
            there is one.
        languages: the languages asked for by default; empty for all that the file has.
        title: one line for listings: what the questions are.
        available: every language there is; empty where that depends on the file.
        licence: SPDX identifier, or what is known.
        url: where the questions are published.
        citation: of the questions' authors.
        options: what ``load`` takes besides split and languages.
        unlabelled: the splits without gold answers, which cannot be scored.
        proven: whether ``load`` proves that its languages are translations of each other, so that ``calm-ext data
            check`` need not.
        any_language: whether ``load`` is asked for languages that are not ``available`` too, and refuses them itself.
        needs_options: ids of the questions that nobody could answer without seeing the options, or to which other
            answers are as right: style ``open`` leaves them out.
        medical: whether the questions are about medicine, which a model card must warn of.
        evaluation_only: whether the licence forbids training on the questions.
        resolve: ``resolve(**options)`` gives the source with its splits and languages, where these depend on options.
        metadata_names: option -> its key in a task's metadata, where that is another.
        corpus: ``corpus(**options)`` gives passages to search for these questions, which ``retrieval.index: <name>``
            then means.
        passages: ``passages(split, *, languages, **options)`` gives the passages that were published with the
            questions; ``retrieval.index: <name>`` means these.
        reads: folders of a data directory that it reads; empty for all of it.
    """

    name: str
    load: Callable[..., Joined]
    splits: tuple[str, ...]
    languages: tuple[str, ...]
    title: str
    available: tuple[str, ...] = ()
    licence: str = ""
    url: str = ""
    citation: str = ""
    options: type[Section] = NoOptions
    unlabelled: tuple[str, ...] = ()
    proven: bool = True
    any_language: bool = False
    needs_options: frozenset[str] = frozenset()
    medical: bool = False
    evaluation_only: bool = False
    resolve: Callable[..., Source] | None = None
    metadata_names: Mapping[str, str] = field(default_factory=dict)
    corpus: Callable[..., list[CorpusPassage]] | None = None
    passages: Callable[..., Iterable[Passages]] | None = None
    reads: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[str, ...]:
        """The splits with gold answers."""
        return tuple(x for x in self.splits if x not in self.unlabelled)

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(self.options.model_fields)

    def read_options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All options by name: the values given, else the defaults; None counts as not given.

        Raises:
            CalmError: the source has no such option, or a value is not allowed.
        """
        given = {key: value for key, value in values.items() if value is not None}
        unknown = [key for key in given if key not in self.option_names]
        if unknown:
            takes = ", ".join(self.option_names) or "none"
            raise CalmError(f"data source {self.name} has no option {', '.join(unknown)}; its options: {takes}")
        try:
            return dict(self.options.model_validate(given))
        except ValidationError as error:
            raise CalmError(f"data source {self.name}: option {explain(error)}") from None

    def resolved(self, options: Mapping[str, Any]) -> Source:
        """The source as its options make it: itself, where splits and languages do not depend on them."""
        return self.resolve(**self.read_options(options)) if self.resolve else self

    def from_metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The options that the metadata of an lm-eval task sets."""
        names = {option: self.metadata_names.get(option, option) for option in self.option_names}
        return {option: metadata[name] for option, name in names.items() if name in metadata}

    def to_metadata(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options under the keys that :meth:`from_metadata` reads."""
        return {self.metadata_names.get(option, option): value for option, value in options.items()}

    def as_json(self) -> dict[str, Any]:
        """What there is to know of it, as plain values, for listings."""
        return {
            "module": self.load.__module__,
            "splits": self.splits,
            "languages": self.languages,
            "title": self.title,
            "available": self.available,
            "licence": self.licence,
            "url": self.url,
            "citation": self.citation,
            "options": self.option_names,
            "unlabelled": self.unlabelled,
        }
