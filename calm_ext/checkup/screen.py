"""A check on one screen of a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from calm_ext.checkup.examples import render_examples
from calm_ext.checkup.found import NUMBERS, Checkup
from calm_ext.checkup.words import bounds, name_of, share
from calm_ext.report.words import counted

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

#: Languages that have a line each; of more the least accurate ones, and the pivot.
SHOWN = 12
_WIDTH = 20


def print_checkup(found: Checkup, console: Console) -> None:
    """Print a check; a command is not broken into lines, so that it can be copied."""
    from rich.text import Text

    for part in render_checkup(found):
        console.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


def render_checkup(found: Checkup) -> Iterator[RenderableType]:
    """The headline, three numbers, the languages, the pairs, examples, and what to do next."""
    from rich.text import Text

    yield Text(found.headline, "bold")
    yield Text(found.setting, "dim")
    for caution in found.cautions:
        yield Text(f"! {caution}", "yellow")
    yield Text()
    yield _numbers(found)
    yield Text()
    yield _languages(found)
    hidden = len(found.measured.languages) - SHOWN
    if hidden > 0:
        yield Text(f"and {counted(hidden, 'language')} more, with higher accuracy: --json has them", "dim")
    chance = found.measured.chance.get("consistency")
    by_chance = "" if chance is None else f"   (by chance {share(chance)})"
    weakest, strongest = found.weakest, found.strongest
    if len(found.pairs) > 1:
        yield Text(
            f"weakest pair: {weakest.name} {share(weakest.consistency)}   "
            f"strongest: {strongest.name} {share(strongest.consistency)}{by_chance}"
        )
    if found.examples:
        yield Text()
        title = Text(f"{counted(len(found.examples), 'question')} to show it", "bold")
        yield title.append("   [ ] what the model answered   ✓ right   ✗ wrong", "dim not bold")
        yield render_examples(found.examples)
    yield Text()
    yield Text("What next", "bold")
    for step in found.next_steps:
        yield Text.assemble(f"{step.purpose}: ", (step.command, "cyan"), no_wrap=True)


def languages_shown(found: Checkup, most: int = SHOWN) -> list[str]:
    """The languages that are listed, most accurate first: the least accurate ones, and the pivot."""
    ordered = found.by_accuracy
    others = [x for x in ordered if x != found.pivot]
    kept = set(others[-(most - (found.pivot is not None)) :]) | {found.pivot}
    return [x for x in ordered if x in kept]


def _grid(*justify: str) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for side in justify:
        table.add_column(justify=side, no_wrap=True)  # type: ignore[arg-type]  # "left" or "right"
    return table


def _numbers(found: Checkup) -> Table:
    from rich.text import Text

    table, m = _grid("right", "left", "left", "left"), found.measured
    table.add_row("", "", Text("95 % interval", "dim"), "")
    for metric, words in NUMBERS.items():
        chance = m.chance.get(metric)
        table.add_row(
            Text(share(m.metrics[metric]), "bold"), words, Text(bounds(m.ci95[metric]), "dim"),
            Text("" if chance is None else f"by chance {share(chance)}", "dim"),
        )  # fmt: skip
    return table


def _languages(found: Checkup) -> Table:
    from rich.text import Text

    table, m = _grid("left", "left", "right", "left", "left", "left"), found.measured
    lost = f"right in {found.pivot_name}, wrong here" if found.lost else ""
    table.add_row("", Text("accuracy", "dim"), "", "", Text(lost, "dim"), "")
    for language in languages_shown(found):
        value = m.metrics[f"acc_{language}"]
        near = found.near_chance(f"acc_{language}")
        full = round(_WIDTH * value)
        bar = Text("█" * full, "yellow" if near else "green").append("·" * (_WIDTH - full), "dim")
        note = counted(found.lost[language], "question") if language in found.lost else ""
        if language == found.pivot:
            note = f"({found.pivot_right} right)"
        table.add_row(
            name_of(language), bar, share(value), Text(bounds(m.ci95[f"acc_{language}"]), "dim"),
            note, Text("near chance" if near else "", "yellow"),
        )  # fmt: skip
    return table
