"""What another machine than the first does in a run: it starts its processes when the first one says so.

It reads the run's folder and writes nothing there. It ends when the first machine has come to its end, or is dead.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from calm_ext.errors import RunError
from calm_ext.files.holder import Holder
from calm_ext.models.processes.machines import (
    NOTE,
    Start,
    State,
    flags_of_machine,
    read_state,
    step_here,
    unknown_in,
)
from calm_ext.models.processes.options import LaunchOptions
from calm_ext.models.processes.start import command, end_group, environment, reason_in, relay

#: Seconds without a sign of life after which the first machine counts as dead. Network file systems show a new file to
#: other machines up to a minute late.
SILENCE = 180.0
#: Seconds in which the first machine must have come.
TO_COME = 1800.0
#: Seconds that the first machine has to notice that the processes of this one have failed.
TO_NOTICE = 60.0
#: Seconds between two looks.
_LOOK = 0.5
#: Lines of what the processes print that are kept to say why they ended.
_KEPT = 200


def follow(folder: Path, launch: LaunchOptions, rank: int, *, say: Callable[[str], None]) -> None:
    """Do this machine's share of a run until the first machine has come to its end.

    Args:
        folder: of the run, which all machines have in common; it need not be there yet.
        launch: this machine's accelerate config.
        rank: this machine's number, from 1.
        say: called with messages to the person.

    Raises:
        RunError: the first machine failed, is dead, or never came; or the processes of this machine failed.
    """
    first = _First(folder)
    say(f"machine {rank} of {launch.machines}: waits for machine 0 in {folder}")
    done: tuple[Holder, int] | None = None
    state = first.next()
    while state.ended is None:
        if state.start is not None and state.wanted != done:
            done = state.wanted
            work = "training" if ".training." in state.start.module else "sampling and evaluation"
            say(f"machine {rank}: starts its processes for {work}")
            _take_part(first, launch, rank, state, state.start)
        time.sleep(_LOOK)
        state = first.next()
    if state.ended:
        raise RunError(f"{folder}: the run has failed on machine 0: {state.ended}")
    say(f"machine {rank}: the run has come to its end")


class _First:
    """The first machine, as this one hears of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._old = read_state(folder)  # may be of a run that is over
        self._last = self._old if self._old and step_here() and self._old.step == step_here() else None
        self._heard = time.monotonic()

    def next(self) -> State:
        """What it says now; waits until it says anything.

        Raises:
            RunError: it is dead, or never came.
        """
        while True:
            is_gone = self._last is not None and self._last.leader.is_gone
            found = read_state(self.folder)
            if found is not None and found not in (self._old, self._last):
                self._old, self._last, self._heard = None, found, time.monotonic()
                is_gone = found.ended is None and found.leader.is_gone
            if self._last is not None and self._last.ended is not None:
                return self._last
            silent = time.monotonic() - self._heard
            if self._last is None:
                if silent > TO_COME:
                    minutes = f"{TO_COME / 60:.0f} minutes"
                    raise RunError(f"{self.folder}: machine 0 has not begun in {minutes}; start the same command there")
            elif is_gone or silent > SILENCE:
                since = "is gone" if is_gone else f"has shown no sign of life for {silent:.0f} s"
                raise RunError(
                    f"{self.folder}: machine 0 {since} ({self._last.leader}); the same command on all machines goes on"
                )
            else:
                return self._last
            time.sleep(_LOOK)


def _take_part(first: _First, launch: LaunchOptions, rank: int, asked: State, start: Start) -> None:
    """Run the processes until they, or those of the first machine, have ended.

    Args:
        asked: what the first machine said when it wanted them.

    Raises:
        RunError: they failed, and the first machine waits for them still; they are none of calm-ext's; or as of
            :class:`_First`.
    """
    if unknown := unknown_in(start):
        raise RunError(
            f"{first.folder / NOTE}: asks for {', '.join(unknown)}, which no machine starts or sets for another; is it "
            f"of another version of calm-ext?"
        )
    process = subprocess.Popen(
        command(
            start.module,
            *start.arguments,
            accelerate_config=launch.accelerate_config,
            flags=flags_of_machine(start, rank),
        ),
        env=environment() | start.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    said, ended, failed = deque[str](maxlen=_KEPT), threading.Event(), None
    threading.Thread(target=relay, args=(process, said, ended), daemon=True).start()
    try:
        while first.next().wanted == asked.wanted:
            code = process.poll()
            if code == 0:
                return
            if code is not None:
                failed = failed or time.monotonic()
                if time.monotonic() - failed > TO_NOTICE:
                    reason = reason_in("\n".join(said))
                    raise RunError(f"the processes of machine {rank} have ended (exit code {code}): {reason}")
            time.sleep(_LOOK)
    finally:
        end_group(process, ended)
