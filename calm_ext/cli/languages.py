"""``calm-ext languages``."""

from __future__ import annotations

import click

from calm_ext.cli.common import json_option, print_json
from calm_ext.cli.terminal import echo


@click.command("languages")
@json_option
def command(as_json: bool) -> None:
    """List the languages in which calm-ext can ask, with their scripts and cue words.

    In any other language of BCP-47 (eu, yo, …) the bare question is asked: options can be scored (style cloze,
    sampling mode options), or free text read (style open). A region or script falls back on the words of its language,
    as pt-BR on those of pt.
    """
    from unicodedata import category, east_asian_width

    from calm_ext.languages import LANGUAGES

    def padded(text: str, width: int) -> str:
        # Wide characters take two columns, signs above and below others take none.
        columns = sum(0 if category(c) in ("Mn", "Me", "Cf") else 1 + (east_asian_width(c) in "WF") for c in text)
        return text + " " * max(width - columns, 0)

    rows = sorted(LANGUAGES.values(), key=lambda row: (row.invented, row.code))
    if as_json:
        print_json({"languages": [
            {
                "code": row.code, "name": row.name, "endonym": row.endonym, "script": row.script,
                "question": row.question, "explanation": row.explanation, "answer": row.answer,
                "full": bool(row.instruction and row.relevance), "aliases": row.aliases,
            }
            for row in rows
        ]})  # fmt: skip
        return
    for row in rows:
        cues = f"{row.question} / {row.explanation} / {row.answer}"
        lacking = "" if row.instruction and row.relevance else "  (cue words only)"
        echo(f"{row.code:8}{row.name:21}{padded(row.endonym, 18)}{row.script:6}{cues}{lacking}")
    echo("any other language of BCP-47, as eu: the bare question is asked (styles cloze and open)")
