"""Flags and registries: one declaration of an option, one list of what there is."""

from __future__ import annotations

from typing import Annotated, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from calm_ext.cli.options import flags
from calm_ext.errors import CalmError, RecipeError
from calm_ext.options import OneOf, Section
from calm_ext.plugins import Registry

NAMES = {"red": 1, "green": 2}


class Paint(Section):
    """Paint."""

    colour: Annotated[str, OneOf(NAMES)] = "red"
    """Which colour."""
    coats: int = Field(2, ge=1, le=9)
    """How many coats."""
    share: float | None = Field(None, gt=0, le=1)
    """How much of the wall."""
    finish: Literal["matt", "gloss"] = "matt"
    """How it shines."""
    weights: dict[str, float] = Field(default_factory=dict, json_schema_extra={"flag": "weight", "metavar": "A=N"})
    """What each counts."""
    dry: bool = False
    """Let it dry."""
    stir: bool = True
    """Stir first."""


@click.command()
@flags(Paint, into="paint", defaults={"coats": 3})
def command(paint: Paint) -> None:
    """Paint a wall."""
    click.echo(paint.model_dump_json())


def run(*arguments: str) -> Paint:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return Paint.model_validate_json(result.output)


def test_flags_have_the_types_bounds_defaults_and_words_of_the_class() -> None:
    assert run() == Paint(coats=3)
    given = run("--colour", "green", "--coats", "4", "--share", "0.5", "--finish", "gloss", "--weight", "a=2", "--dry")
    assert given == Paint(colour="green", coats=4, share=0.5, finish="gloss", weights={"a": 2.0}, dry=True)
    assert run("--no-stir") == Paint(coats=3, stir=False)
    text = CliRunner().invoke(command, ["--help"]).output
    for part in ("[red|green]", "Which colour.", "1<=x<=9", "[default: 3]", "0<x<=1", "[matt|gloss]", "A=N"):
        assert part in " ".join(text.split()), part


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--colour", "rde"], "'rde' is not one of"),
        (["--coats", "0"], "0 is not in the range"),
        (["--weight", "a"], "a: A=N was expected"),
    ],
)
def test_a_wrong_flag_is_said(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_wrong_value_names_its_flag() -> None:
    with pytest.raises(RecipeError, match=r"--weight\.a: a number was expected, got 'x'"):
        CliRunner().invoke(command, ["--weight", "a=x"], catch_exceptions=False)


class Shelf(Section):
    """A shelf."""

    wood: str
    """Which ``wood``."""
    books: list[str] = Field(min_length=1)
    """What stands on it."""


@click.command()
@flags(Shelf, into="shelf")
def build(shelf: Shelf) -> None:
    """Build a shelf."""
    click.echo(shelf.model_dump_json())


def test_keys_without_a_default_are_required_and_lists_are_split_at_commas() -> None:
    for arguments in (["--books", "a, b", "--books", "c"], ["--books", "a,b,c"]):
        result = CliRunner().invoke(build, ["--wood", "oak", *arguments])
        assert Shelf.model_validate_json(result.output) == Shelf(wood="oak", books=["a", "b", "c"])
    for arguments, missing in ((["--wood", "oak"], "--books"), (["--books", "a"], "--wood")):
        result = CliRunner().invoke(build, arguments)
        assert result.exit_code == 2 and f"Missing option '{missing}'" in result.output
    text = " ".join(CliRunner().invoke(build, ["--help"]).output.split())
    assert "Which wood. [required]" in text and "default" not in text


def test_replace_validates() -> None:
    assert Paint().replace(coats=5).coats == 5
    with pytest.raises(ValueError, match="less than or equal to 9"):
        Paint().replace(coats=10)
    with pytest.raises(ValueError, match="one of red, green was expected"):
        Paint(colour="blue")


def test_a_registry_names_the_nearest_and_refuses_two_of_a_name() -> None:
    things: Registry[int] = Registry("thing", "calm_ext.plugins")
    things.add("majority", 1)
    with pytest.raises(CalmError, match=r"no thing 'majorty' \(did you mean 'majority'\?\); there are majority"):
        things["majorty"]
    assert (things.get("majority"), things.get("majorty"), things.get(None, 3)) == (1, None, 3)
    with pytest.raises(CalmError, match="there are two things with the name 'majority'"):
        things.add("majority", 2)
