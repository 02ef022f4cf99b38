"""A process forked from one that has loaded the frameworks already: it starts in a tenth of a second, not in six.

The server is multiprocessing's. It starts with the first process, serves all that follow, also those of a study's
cells, and ends with the last of them. A process that may use a GPU does not come from it: CUDA does not survive a fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import IO, Any

from calm_ext.models.processes.preloaded import MODEL

#: Set to 0 to start every process as a new interpreter.
SWITCH = "CALM_FORK_SERVER"
#: Loaded once, before any process is forked.
_PRELOADED = [
    "calm_ext.harness.evaluate", "calm_ext.harness.task", "calm_ext.models.lm", "calm_ext.report.plots.draw",
    "calm_ext.training.worker", "calm_ext.training.methods.dpo", "calm_ext.models.processes.preloaded",
    "lm_eval.evaluator", "lm_eval.loggers", "peft",
    "torch", "transformers", "trl.trainer.dpo_trainer", "matplotlib.figure",
]  # fmt: skip
#: Where this process, and so the server, looks for modules.
_PATH = os.environ.get("PYTHONPATH")
#: Bytes of memory that must be free for a server that waits.
_SPARE = 4 << 30
#: How frameworks are to load, where the caller has no opinion: TRL would compile a kernel, for a minute, on a CPU.
_AROUND = {"TORCH_COMPILE_DISABLE": "1", "PYTHONWARNINGS": "ignore::FutureWarning", "TOKENIZERS_PARALLELISM": "false"}


def can_fork() -> bool:
    """Whether processes can be forked here, and would find the modules that a new interpreter finds."""
    if os.environ.get(SWITCH) == "0" or os.environ.get("PYTHONPATH") != _PATH:
        return False
    return "forkserver" in multiprocessing.get_all_start_methods()


def context(tokenizer: str | None = None) -> Any:
    """multiprocessing's context, whose server has loaded the frameworks where it could be started so.

    Args:
        tokenizer: path of a model whose tokenizer the server reads, too, if it is not running yet.
    """
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(_PRELOADED)
    around = {**_AROUND, **({MODEL: tokenizer} if tokenizer else {})}
    before = {name: os.environ.get(name) for name in around}
    try:
        for name, value in around.items():
            os.environ.setdefault(name, value)
        forkserver.ensure_running()
    finally:
        for name, old in before.items():
            if old is None:
                del os.environ[name]
    return found


def get_ready(model: str) -> None:
    """Start the server now, beside other work, for a process that will load this model; not where memory is scarce."""
    import psutil

    if can_fork() and psutil.virtual_memory().available > _SPARE:
        context(model)


class Forked:
    """A module's ``main(*arguments)`` in a process of its own, with what it prints to read: as subprocess.Popen.

    Attributes:
        stdout: all that it prints, to standard error, too.
    """

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        self._process = context().Process(target=_main, args=(theirs, module, list(arguments), dict(environment)))
        with _without_main():
            self._process.start()
        theirs.close()
        self._line = ours  # its descriptor is that of stdout
        self.stdout: IO[bytes] = open(ours.fileno(), "rb", closefd=False)  # noqa: SIM115

    def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        self._process.join()
        self.stdout.close()
        if not self._line.closed:
            self._line.close()
        code = self._process.exitcode
        assert code is not None
        return int(code)

    def terminate(self) -> None:
        """Have it end."""
        self._process.terminate()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from running the user's own script again in the new process."""
    main: Any = sys.modules["__main__"]
    kept = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in kept:
        del main.__file__
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(main, name, value)


def _main(line: Connection, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """What the process does; an exit code and a message end it as they end a script."""
    import importlib

    for number in (1, 2):
        os.dup2(line.fileno(), number)
    line.close()
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    if threads := environment.get("OMP_NUM_THREADS"):
        import torch

        torch.set_num_threads(int(threads))
    importlib.import_module(module).main(*arguments)
