"""Benchmarks that are described by their columns: those of :mod:`calm_ext.data.benchmarks`, and a user's own.

A user's own (:mod:`calm_ext.data.benchmark`) is read by ``data: {source: columns, spec: my.yaml}`` in a recipe, by
``--spec my.yaml`` on the command line, and by the tasks ``calm_local_xl*`` with ``--metadata '{"spec": "my.yaml"}'``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calm_ext.data.benchmark import bundled_benchmarks, read_benchmark
from calm_ext.data.columns import load_benchmark, source_of
from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import FolderOptions, Source
from calm_ext.errors import CalmError


class SpecOptions(FolderOptions):
    """Which benchmark is read, and from where."""

    spec: str | None = None
    """The YAML that describes the benchmark's columns."""


def load(split: str, *, languages: Sequence[str], spec: str | None, data_dir: str | None) -> Joined:
    """The questions of the benchmark that ``spec`` describes; ``data_dir`` defaults to the spec's own folder where it
    names neither the hub nor the web.

    Raises:
        CalmError: no spec was given, or a language that it does not have.
        DataError: as of the readers.
    """
    benchmark = read_benchmark(_given(spec))
    published = benchmark.path or benchmark.base_url
    return load_benchmark(
        benchmark,
        split,
        languages=languages,
        data_dir=data_dir or (None if published else str(Path(_given(spec)).parent)),
    )


def described(*, spec: str | None = None, **_: object) -> Source:
    """The source with the splits and languages of the benchmark that ``spec`` describes."""
    import dataclasses

    own = source_of(read_benchmark(_given(spec)))
    return dataclasses.replace(own, name=GENERAL.name, load=load, options=SpecOptions)


def _given(spec: str | None) -> str:
    if spec is None:
        raise CalmError(
            "data source columns needs a spec: --spec, data.spec in a recipe, or --metadata '{\"spec\": …}'"
        )
    return spec


GENERAL = Source(
    name="columns",
    load=load,
    splits=("test",),
    languages=(),
    title="a benchmark of your own, described by its columns in a YAML",
    options=SpecOptions,
    proven=False,
    resolve=described,
)

SOURCE = (*(source_of(benchmark) for benchmark in bundled_benchmarks()), GENERAL)
