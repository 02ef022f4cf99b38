"""How a command ends: a user's mistake, a full disk, a signal, each in one line and with its exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import click

from calm_ext.cli.misuse import misuse
from calm_ext.cli.terminal import echo
from calm_ext.errors import CalmError
from calm_ext.files.decode import short
from calm_ext.files.secrets import mask

#: Most lines of one error, and characters of a line.
_LINES, _LENGTH = 50, 2000


class Logged(Exception):
    """A failure that is no mistake of the user's, in one line; a log that the line names has the traceback."""


class _Stopped(BaseException):
    """A signal that ends this process; no ``except Exception`` takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        self.number = number


def run(command: Callable[[], object]) -> None:
    """Run a command and exit.

    With 0, with 1 for what is no mistake of the user's, with 2 for one and for what the system refuses, 128 + n for
    signal n.
    """
    _catch_signals()
    code = 0
    try:
        command()
        sys.stdout.flush()  # so that a full disk is said here
    except CalmError as error:
        code = _failed(*str(error).splitlines())
    except Logged as error:
        _failed(str(error))
        code = 1
    except click.UsageError as error:
        code = _misused(error)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(file=said)
        echo(mask(said.getvalue()), err=True, nl=False)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted; the same command continues where it stopped", err=True)
        code = 130
    except _Stopped as stopped:
        name = signal.Signals(stopped.number).name
        with suppress(OSError):  # the terminal may be gone
            echo(f"ended by {name}; the same command continues where it stopped", err=True)
        code = 128 + stopped.number
    except click.exceptions.Exit as error:
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to print has no reader
    except OSError as error:
        place = f"{short(error.filename, 300)}: " if error.filename else ""
        code = _failed(place + (error.strerror.lower() if error.strerror else short(error, 500)))
    except MemoryError:
        code = _failed("memory does not suffice; a smaller batch, model or file needs less")
    sys.exit(code)


def _misused(error: click.UsageError) -> int:
    """A command that was typed wrong; a verb that only has verbs of its own prints its help instead."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        echo(error.format_message())
        return error.exit_code
    return _failed(misuse(error))


def _failed(*lines: str) -> int:
    for line in map(mask, lines[:_LINES]):
        echo(f"error: {line if len(line) <= _LENGTH else line[:_LENGTH] + '…'}", err=True)
    if len(lines) > _LINES:
        echo(f"error: and {len(lines) - _LINES} more", err=True)
    return 2


def _catch_signals() -> None:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does, so that files are closed and processes it started end."""
    owner = os.getpid()

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once
        if os.getpid() != owner:  # a forked process has nothing to tidy up
            os.kill(os.getpid(), number)
            return
        raise _Stopped(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores the one
            signal.signal(number, stop)
