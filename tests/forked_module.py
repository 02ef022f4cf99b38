"""What a forked process does in tests/test_processes.py."""

from __future__ import annotations

import os
import signal
import sys


def main(end: str) -> None:
    """Print, and end in one of three ways."""
    print(f"out {end} {os.environ['CALM_GIVEN']}", flush=True)
    if end == "word":
        sys.exit("error: no such thing")
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
