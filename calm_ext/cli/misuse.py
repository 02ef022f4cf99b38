"""A command that was typed wrong: click's complaint in one line, with the name that was probably meant."""

from __future__ import annotations

import re
import sys

import click

from calm_ext.files.expected import did_you_mean

#: click's words -> ours.
_WORDS = {
    r" is not a valid integer( range)?": " is no whole number",
    r" is not a valid float( range)?": " is no number",
    r" is not in the range (.*)$": r" is out of range, \1 was expected",
    r"^got unexpected extra arguments? \((.*)\)$": r"\1: nothing more was expected",
    r" is not one of ": " is none of ",
}


def misuse(error: click.UsageError) -> str:
    """The complaint: what is wrong where, what was probably meant, and which help says more."""
    said = " ".join(error.format_message().split()).rstrip(".")
    said = said[:1].lower() + said[1:] if said[1:2].islower() else said
    if isinstance(error, click.NoSuchOption):
        known = [name for p in error.ctx.command.params for name in p.opts] if error.ctx else error.possibilities or []
        said = f"no such option {error.option_name!r}{did_you_mean(error.option_name, known)}"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        said += _choice(said, error.param.type)
    command = re.match(r"no such command '(.*?)'", said)
    if command and error.ctx is not None and isinstance(error.ctx.command, click.Group):
        known = error.ctx.command.list_commands(error.ctx)
        said = f"no such command {command[1]!r}{did_you_mean(command[1], known)}; there are {', '.join(known)}"
    for pattern, words in _WORDS.items():
        said = re.sub(pattern, words, said)
    return said if "--help" in said else f"{said}; {_path(error)} --help says what it takes"


def _choice(said: str, kind: click.ParamType) -> str:
    """`` (did you mean 'x'?)`` for a value that is none of those to choose from."""
    value = re.search(r"'([^']*)' is not one of", said)
    return did_you_mean(value[1], map(str, kind.choices)) if value and isinstance(kind, click.Choice) else ""


def _path(error: click.UsageError) -> str:
    """The command whose help says more; click forgets it where an option lacks its value."""
    if error.ctx is not None:
        return error.ctx.command_path
    return " ".join(["calm-ext", *(x for x in sys.argv[1:2] if not x.startswith("-"))])
