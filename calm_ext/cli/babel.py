"""``calm-ext babel``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("babel")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the world and the pretraining.")
@click.option(
    "--passages",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the pretraining sentences with passages to read, for retrieval.",
)
@click.option("--cache-dir", type=click.Path(path_type=Path), help="[default: $CALM_CACHE_DIR or ~/.cache/calm_ext]")
def command(seed: int, passages: float, cache_dir: Path | None) -> None:
    """Build Babel's model, unless it is there, and print its folder.

    The questions are `calm-ext data prepare babel`, the tasks calm_babel_xl and calm_babel_xl_mc, and with passages
    calm_babel_xl_rag.
    """
    from calm_ext.babel import BabelConfig, build

    click.echo(build(BabelConfig(seed=seed, passages=passages), cache_dir=cache_dir))
