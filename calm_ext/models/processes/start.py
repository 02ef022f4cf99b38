"""Start the processes of an accelerate config, and end with the process that started them. Loads no framework."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import psutil

import calm_ext

#: Environment variable that names the process that waits for the result.
PARENT = "CALM_STARTED_BY"
#: Seconds that processes have to end by themselves.
TO_END = 10


def command(module: str, *arguments: str, accelerate_config: str | None = None, flags: Sequence[str] = ()) -> list[str]:
    """What runs a module in one process, or by ``accelerate launch`` in those of a config.

    Args:
        flags: of ``accelerate launch``, that the config does not decide.
    """
    worker = ["-m", module, *arguments]
    if accelerate_config is None:
        return [sys.executable, *worker]
    return [sys.executable, "-m", "accelerate.commands.launch", "--config_file", accelerate_config, *flags, *worker]


def environment() -> dict[str, str]:
    """The environment of such a process: it finds this package, and knows who waits for it."""
    found = dict(os.environ)
    package = str(Path(calm_ext.__file__).parent.parent)
    found["PYTHONPATH"] = os.pathsep.join(x for x in (package, found.get("PYTHONPATH")) if x)
    found.setdefault("TOKENIZERS_PARALLELISM", "false")
    found.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
    found[PARENT] = json.dumps([os.getpid(), psutil.Process().create_time(), socket.gethostname()])
    return found


def end_with_parent() -> None:
    """End this process when the one that waits for its result is gone; for a thread of its own."""
    pid, started, host = json.loads(os.environ.get(PARENT) or "[0, 0, null]")
    while host == socket.gethostname():
        try:
            if abs(psutil.Process(pid).create_time() - started) > 1:
                os._exit(1)
        except psutil.NoSuchProcess:
            os._exit(1)
        except psutil.Error:
            return
        time.sleep(0.5)


def relay(process: subprocess.Popen[bytes], said: deque[str], ended: threading.Event) -> None:
    """Hand what processes print on to stderr, and keep the end of it; not what they say of being ended."""
    assert process.stdout is not None
    for line in process.stdout:
        text = line.decode(errors="replace")
        if ended.is_set():
            continue
        said.append(text.rstrip("\n"))
        sys.stderr.write(text)
        sys.stderr.flush()


def end_group(process: subprocess.Popen[bytes], ended: threading.Event) -> None:
    """End a launcher that leads a session of its own, and all that it started.

    Args:
        ended: is set before.
    """
    ended.set()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):
            break
        until = time.monotonic() + TO_END
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
    process.wait()


def reason_in(text: str) -> str:
    """The line of a log that names the error: the last one of a Python exception, not accelerate's own report of it."""
    lines = _lines(text)
    ours = [x.removeprefix("error: ") for x in lines if x.startswith("error: ")]
    named = errors_in(text)
    own = [x for x in named if "CalledProcessError" not in x and "ChildFailedError" not in x]
    return (ours or own or named or lines or ["no output"])[-1]


def errors_in(text: str) -> list[str]:
    """The lines of a log in which an exception of Python names itself, of all processes that write there."""
    return [x for x in _lines(text) if x.split(":")[0].endswith(("Error", "Exception", "Interrupt"))]


def _lines(text: str) -> list[str]:
    return [re.sub(r"^\[rank\d+\]: *", "", line).strip() for line in text.splitlines() if line.strip()]


def was_killed(code: int, text: str) -> bool:
    """Whether a process, or one that it launched, was ended from outside, as Linux does where memory runs out."""
    return code in (-9, 137) or any(x in text for x in ("Signals.SIGKILL", "Signal 9 (SIGKILL)"))
