"""``calm-ext data import-generations``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from calm_ext.cli.common import json_option, print_json, refuse_inputs
from calm_ext.cli.terminal import echo


@click.command("import-generations")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Generations JSONL to write.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Language of a file of the paper's, once a file, where its name does not say it.",
)
@click.option("--source-language", help="The language the questions were written in; the vote uses it.")
@click.option("--task", help="Whose samples to take where lm-eval wrote those of several tasks.")
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@json_option
def import_generations(
    files: tuple[Path, ...],
    output: Path,
    languages: tuple[str, ...],
    source_language: str | None,
    task: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Read generations that others made, for `calm-ext vote` and `pairs`.

    FILES are lm-eval samples_*.jsonl of our tasks (several files of the same questions give several samples of each),
    the results files or folders they were written with, or JSON files in the layout of the paper's data/*/samples, one
    a language.
    """
    from collections import Counter

    from calm_ext.errors import CalmError
    from calm_ext.jsonl import write_jsonl
    from calm_ext.languages import get_language, normalise_code
    from calm_ext.results.folders import find_samples
    from calm_ext.results.generations import import_lm_eval, import_paper, language_of

    for path in files:
        if not path.exists():
            raise CalmError(f"{path}: no such file or directory")
    refuse_inputs(output, *files)
    if output.exists() and not force:
        raise CalmError(f"{output}: exists; --force replaces it")
    if source_language:
        source_language = get_language(normalise_code(source_language)).code
    samples = [find_samples(f, task).path for f in files]
    kinds = {f.suffix for f in samples}
    counts: Counter[str] = Counter()
    if kinds == {".jsonl"}:
        if languages:
            raise CalmError("--language is for files of the paper's; lm-eval's samples name their languages")
        found = import_lm_eval(samples)
    elif kinds == {".json"}:
        if languages and len(languages) != len(files):
            raise CalmError(f"--language is given {len(languages)} times for {len(files)} files")
        codes = [normalise_code(x) for x in languages] or [language_of(f) for f in files]
        if len(set(codes)) < len(codes):
            raise CalmError(f"one file a language was expected; the files are {', '.join(codes)}")
        found = import_paper(
            dict(zip(codes, files, strict=True)), source_language=source_language, sure=bool(languages)
        )
    else:
        raise CalmError("the files are to be all .jsonl (lm-eval's samples) or all .json (the paper's)")

    def counted() -> Any:
        for generation in found:
            own = generation
            if source_language and own.source_language is None:
                own = own.model_copy(update={"source_language": source_language})
            counts[own.language] += 1
            yield own
        if not counts:
            raise CalmError(f"{', '.join(map(str, files))}: no generations were found")

    write_jsonl(output, counted())
    if as_json:
        print_json({"n_generations": counts.total(), "by_language": dict(counts)})
    else:
        by_language = ", ".join(f"{x} {n}" for x, n in counts.items())
        echo(f"{counts.total()} generations ({by_language}) in {output}")
