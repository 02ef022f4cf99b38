"""``calm-ext babel``."""

from __future__ import annotations

from pathlib import Path

import click

from calm_ext.babel.options import BabelOptions
from calm_ext.cli.options import flags
from calm_ext.cli.terminal import echo


@click.command("babel")
@flags(BabelOptions, into="options")
@click.option("--cache-dir", type=click.Path(path_type=Path), help="[default: $CALM_CACHE_DIR or ~/.cache/calm_ext]")
def command(options: BabelOptions, cache_dir: Path | None) -> None:
    """Build Babel's model, unless it is there, and print its folder.

    The questions are `calm-ext data prepare babel`, the tasks calm_babel_xl and calm_babel_xl_mc, and with passages
    calm_babel_xl_rag.
    """
    from calm_ext.babel import BabelConfig, build

    echo(build(BabelConfig(**dict(options)), cache_dir=cache_dir))
