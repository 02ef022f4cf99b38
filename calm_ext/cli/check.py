"""``calm-ext check``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from calm_ext.cli.common import json_option, print_json, refuse_model, with_babel_built
from calm_ext.cli.options import flags
from calm_ext.cli.screen import on_screen
from calm_ext.cli.terminal import echo
from calm_ext.errors import CalmError
from calm_ext.models.options import ModelOptions

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of text that are still easy to read.
_WIDEST = 110


@click.command("check")
@click.argument("model", metavar="MODEL")
@click.option("--questions", type=click.IntRange(2), help="How many to ask.  [default: what three minutes allow]")
@click.option("--languages", metavar="CODE,…", multiple=True, help="Languages to ask in.  [default: the task's]")
@click.option("--tasks", metavar="TASK,…", multiple=True, help="Tasks across languages to ask instead.")
@click.option(
    "--chat-template/--no-chat-template",
    default=None,
    help="Ask through the model's chat template or not.  [default: where it has one, unless options' texts are scored]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for results and card.  [default: runs/check-<MODEL>]",
)
@click.option("--again", is_flag=True, help="Ask again what was asked already.")
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True, help="Prompts in a forward pass.")
@flags(ModelOptions, into="loading", leave_out=("path",), defaults={"path": "."})
@json_option
def command(
    model: str,
    questions: int | None,
    languages: tuple[str, ...],
    tasks: tuple[str, ...],
    chat_template: bool | None,
    output: Path | None,
    again: bool,
    batch_size: int,
    loading: ModelOptions,
    as_json: bool,
) -> None:
    """Look at MODEL for the first time: does it give the same answer in every language, and where does it not?

    MODEL is a folder, a name on the Hugging Face hub, or `babel`, the embedded default. It is asked the bundled
    questions in ten languages: an instruct model by letters and through its chat template, any other model by the
    likelihood of each option's text. Where all 120 questions would take longer than three minutes, fewer are asked.

    One screen says how often it gives the same answer and the right one, with 95 % intervals and what chance would
    give, and shows three questions that it answers in one language and not in another. check.html and check.png in the
    output folder are a card to share. The results stay there for `metrics`, `compare` and `leaderboard`; the same
    command uses them again.

    \b
    calm-ext check Qwen/Qwen3-0.6B
    calm-ext check models/mine --languages en,ar,ja --questions 40
    calm-ext check models/mine --tasks calm_belebele_xl_letters
    """

    from calm_ext.checkup.card import stem_of, write_card
    from calm_ext.checkup.found import read_checkup
    from calm_ext.checkup.run import Wishes, check_model, refuse_tasks
    from calm_ext.checkup.screen import print_checkup
    from calm_ext.disk.lock import writing
    from calm_ext.files.places import writable_folder
    from calm_ext.models.find import folder_name

    folder = output or Path("runs") / f"check-{folder_name(model)}"
    wishes = Wishes(
        name=model, tasks=_listed(tasks), languages=_languages(languages), questions=questions,
        chat_template=chat_template,
    )  # fmt: skip
    refuse_tasks(wishes.tasks)
    writable_folder(folder)
    refuse_model(loading.replace(path=model), named="")
    with on_screen() as reporter, writing(folder, "check", beside=True):
        asked = check_model(
            wishes,
            with_babel_built(loading.replace(path=model)),
            folder,
            batch_size=batch_size,
            repeat=again,
            say=lambda message: reporter.stage("check", message),
            bar=lambda total: _counting(reporter.progress("options scored", total)),
        )
    found = [read_checkup(a) for a in asked]
    for checkup in found:
        write_card(checkup, folder, stem=stem_of(checkup, first=checkup is found[0]))
    if as_json:
        first, *more = (checkup.as_dict() for checkup in found)
        print_json(first | ({"more": more} if more else {}))
        return
    out = _console()
    for checkup in found:
        print_checkup(checkup, out)
        out.print()
    echo(f"card: {folder / 'check.html'}, {folder / 'check.png'}")
    if all(a.again for a in asked):
        echo("note: the results were there already; --again asks again", err=True)


def _listed(values: Sequence[str]) -> list[str]:
    """A flag that is given several times, or once with commas; each item once."""
    return list(dict.fromkeys(item.strip() for value in values for item in value.split(",") if item.strip()))


def _languages(values: Sequence[str]) -> list[str] | None:
    from calm_ext.languages import get_language, normalise_code

    codes = list(dict.fromkeys(normalise_code(x) for x in _listed(values)))
    for code in codes:
        get_language(code)
    if len(codes) == 1:
        raise CalmError(f"--languages {codes[0]}: agreement needs two languages or more, as en,fr")
    return codes or None


def _counting(show: Callable[[int], None]) -> Callable[[int], None]:
    """From what was done since the last call to what is done in all."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        show(done)

    return advance


def _console() -> Console:
    """One as wide as the screen, to a limit; of a fixed width where the output is no terminal."""
    from calm_ext.cli.terminal import new_console

    out = new_console(file=sys.stdout)
    out.width = min(out.width, _WIDEST) if sys.stdout.isatty() else _WIDEST
    return out
