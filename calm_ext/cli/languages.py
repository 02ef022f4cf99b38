"""``calm-ext languages``."""

from __future__ import annotations

import click


@click.command("languages")
def command() -> None:
    """List the languages in which calm-ext can ask, with their cue words."""
    from calm_ext.languages import LANGUAGES

    for row in sorted(LANGUAGES.values(), key=lambda row: (row.invented, row.code)):
        click.echo(f"{row.code:4} {row.name:12} {row.question} / {row.explanation} / {row.answer}")
