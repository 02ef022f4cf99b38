"""Which keys the metadata of our tasks may have, and what was meant by another one.

lm-eval passes to a task, as one mapping, what its YAML says, the user's ``--metadata`` and the model's arguments. A key
that nobody reads would be ignored without a word: ``{"langs": ["en", "sw"]}`` would ask the default languages.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.files.texts import read_object
from calm_ext.jsonl import read_jsonl
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.options import RetrievalOptions

#: The tasks ``calm_asked_xl*``, by their function in :mod:`calm_ext.harness.dataset`, and the metadata key they read.
ASKED = "asked"
#: What every task of ours reads.
_TASKS = ("asked", "languages", "language", "split", "style", "order_seed", "thoughts", "max_gen_toks", "version")
#: What tasks with passages read besides their options, some of it from the model's arguments.
_PASSAGES = (
    "retrieval",
    "passages",
    "babel_seed",
    "tokenizer",
    "pretrained",
    "max_length",
    "trust_remote_code",
    "device",
)
#: What lm-eval and our tasks write into the metadata themselves.
_WRITTEN = ("config_source", "signature")
#: Keys that a user means where one is as near as this, though it might be an argument of a model.
_MEANT = ("languages", "language", "split", "style", "order_seed", "thoughts", "passages", "retrieval", "data_dir")
_NEAR = 0.65


@cache
def known_keys() -> tuple[str, ...]:
    """Every key that one of our tasks reads."""
    of_sources = [source.metadata_names.get(x, x) for source in SOURCES.values() for x in source.option_names]
    return tuple(dict.fromkeys((*_TASKS, *_PASSAGES, *RetrievalOptions.model_fields, *of_sources, *_WRITTEN)))


def of_source(metadata: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The metadata of a source's tasks: what stands under its name is for them alone, and comes before the rest.

    >>> of_source({"split": "test", "klar": {"split": "places"}, "xcsqa": {"data_dir": "d"}}, "klar")
    {'split': 'places'}
    >>> of_source({"data_dir": "k", "klar": {"data_dir": None}}, "klar")
    {}
    """
    common = {key: value for key, value in metadata.items() if not _is_section(key, value)}
    own = metadata.get(source)
    if not isinstance(own, Mapping):
        return common
    return {key: value for key, value in {**common, **own}.items() if value is not None or key not in own}


def _is_section(key: str, value: Any) -> bool:
    return key in SOURCES and isinstance(value, Mapping)


def _flat(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every key, those of one source within it, and how it is written."""
    found: list[tuple[str, str]] = []
    for key, value in metadata.items():
        found += [(k, f"{key}.{k}") for k in value] if _is_section(key, value) else [(key, key)]
    return found


def check_metadata(metadata: Mapping[str, Any], *, where: str) -> None:
    """Refuse keys that a user gave for our tasks and none of them reads.

    Args:
        where: what messages call the metadata, ``--metadata`` say.

    Raises:
        CalmError: of the first one, with the key that is near it.
    """
    for key, written in _flat(metadata):
        if key not in known_keys():
            raise CalmError(f"{where}: no task of calm-ext reads {written!r}{_hint(key)}")


def check_questions(metadata: Mapping[str, Any], tasks: Sequence[str]) -> None:
    """Refuse questions of tasks ``calm_local_xl*`` and ``calm_asked_xl*`` that are not there, before a model is loaded.

    Raises:
        CalmError: there is no such file, none is named, both ``path`` and ``spec`` are, or the spec has a mistake.
    """
    if any(name.startswith("calm_asked_xl") for name in tasks) and not Path(asked_questions(metadata)).is_file():
        raise CalmError(f"{metadata[ASKED]}: no such file")
    if not any(name.startswith("calm_local_xl") for name in tasks):
        return
    source = own_source(metadata)
    options = SOURCES[source].read_options(SOURCES[source].from_metadata(metadata))
    given = options["spec" if source == "columns" else "path"]
    if given is None:
        raise CalmError(
            'tasks calm_local_xl* ask your own questions: --metadata \'{"path": …}\', or "spec", names them'
        )
    if not Path(given).is_file():
        raise CalmError(f"{given}: no such file")
    SOURCES[source].resolved(options)
    if source == "local":
        next(read_jsonl(Path(given), ParallelQuestion))


def own_source(metadata: Mapping[str, Any]) -> str:
    """The data source of one's own questions: ``columns`` where the metadata names a spec, else ``local``.

    Raises:
        CalmError: it names both a spec and a file of questions.
    """
    if "spec" in metadata and "path" in metadata:
        raise CalmError("metadata has both path and spec; a task asks the questions of one of them")
    return "columns" if "spec" in metadata else "local"


def asked_questions(metadata: Mapping[str, Any]) -> str:
    """The file of questions of the tasks ``calm_asked_xl*``.

    Raises:
        CalmError: the metadata names none.
    """
    if not isinstance(metadata.get(ASKED), str):
        raise CalmError(
            "tasks calm_asked_xl* ask the questions of an alignment: in a recipe they are found; elsewhere "
            '--metadata \'{"asked": "runs/…/questions.jsonl"}\' names them'
        )
    return str(metadata[ASKED])


def problems_of(metadata: Mapping[str, Any], tasks: Sequence[str], *, within: str) -> list[str]:
    """The same as lines, for a recipe; none where another's task may read the key."""
    if not all(name.startswith("calm_") for name in tasks):
        return []
    flat = _flat(metadata)
    return [f"{within}{k}: no task of calm-ext reads it{_hint(key)}" for key, k in flat if key not in known_keys()]


def check_given(metadata: Mapping[str, Any]) -> None:
    """Refuse what lm-eval passes on where it is no argument of the model, as far as that can be seen.

    Under ``lm_eval --metadata`` with our tasks alone the command line says which keys are the user's. Elsewhere a key
    is refused that is near one of ours and no argument of lm-eval's own models.

    Raises:
        CalmError: as of :func:`check_metadata`.
    """
    check_metadata({key: metadata[key] for key in _on_command_line() if key in metadata}, where="--metadata")
    for key in metadata:
        meant = difflib.get_close_matches(key, _MEANT, n=1, cutoff=_NEAR)
        if meant and key not in known_keys() and key not in _model_arguments():
            check_metadata({key: metadata[key]}, where="metadata")


def _hint(key: str) -> str:
    close = difflib.get_close_matches(key, known_keys(), n=1, cutoff=0.55)
    shown = ", ".join(k for k in known_keys() if k not in _WRITTEN and k != "version")
    return f"; did you mean {close[0]!r}?" if close else f"; they read {shown}"


def _on_command_line() -> list[str]:
    """The keys of ``--metadata`` where this process is lm-eval's command and all of its tasks are ours."""
    tasks = [name for text in _behind("--tasks", "-t") for name in text.split(",") if name]
    if not tasks or not all(name.startswith("calm_") for name in tasks):
        return []  # another's task may read what ours do not
    given = _behind("--metadata")
    if given and given[0].lstrip().startswith("{"):
        try:
            return list(read_object(given[0], "--metadata"))
        except CalmError:
            return []  # lm-eval has read it in its own way
    return [part.partition("=")[0].strip() for text in given for part in text.split(",") if "=" in part]


def _behind(*flags: str) -> list[str]:
    """What stands behind a flag of this process's command line, up to the next flag."""
    found, inside = [], False
    for argument in sys.argv[1:]:
        if argument.startswith("-"):
            flag, equals, text = argument.partition("=")
            inside = flag in flags
            found += [text] if inside and equals else []
        elif inside:
            found.append(argument)
    return found


@cache
def _model_arguments() -> frozenset[str]:
    """The arguments of lm-eval's models that run here."""
    import inspect

    from lm_eval.models.huggingface import HFLM

    names = set(inspect.signature(HFLM.__init__).parameters)
    try:
        from lm_eval.models.api_models import TemplateAPI

        names |= set(inspect.signature(TemplateAPI.__init__).parameters)
    except ImportError:  # without lm-eval's extra for servers
        pass
    return frozenset(names)
