"""What kills.py, damage.py and races.py share: a small run of Babel, in processes that can be killed.

An attempt is forked from this process, which has loaded the frameworks; training starts a process of its own, as ever.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

#: Files that are the same, byte for byte, however often a run was killed.
SAME = ("questions.jsonl", "generations.jsonl", "ballots.jsonl", "pairs.jsonl")

#: In a process of training: count its file operations in the run, and end the whole run at one of them.
SITE = """
import os, sys
if sys.orig_argv[1:3] == ["-m", "calm_ext.training.worker"] and os.environ.get("CALM_ORDEAL"):
    sys.path.insert(0, os.environ["CALM_ORDEAL"])
    import ordeal
    ordeal.watch_files(os.environ["CALM_ORDEAL_RUN"], int(os.environ["CALM_ORDEAL_AT"]), os.environ["CALM_ORDEAL_TO"])
"""


class Attempt(NamedTuple):
    """How an attempt ended.

    Attributes:
        code: 0 done, 2 a message of one line, 1 a traceback, -9 killed.
        text: what it said.
    """

    code: int
    text: str

    @property
    def has_traceback(self) -> bool:
        """Whether anything but words came out, of training too: its traceback belongs into its log alone."""
        return self.code == 1 or "Traceback (most recent call last)" in self.text


def prepare(out: Path) -> Path:
    """Make the model and the recipe below a folder; returns the recipe."""
    from calm_ext.babel import BabelConfig, build

    load_frameworks()
    config = BabelConfig(seed=0, n_sentences=6400, hidden_size=48, n_layers=2, intermediate_size=96)
    model = build(config, cache_dir=out / "model", progress=lambda *_: None)
    (out / "site").mkdir(exist_ok=True)
    (out / "site/sitecustomize.py").write_text(SITE)
    return write_recipe(out / "recipe.yaml", model)


def load_frameworks() -> None:
    """Load once what every attempt needs."""
    for name in (
        "calm_ext.cli.screen", "calm_ext.data.benchmark", "calm_ext.harness.evaluate", "calm_ext.models.lm",
        "calm_ext.pipeline.run", "langcodes", "lm_eval.evaluator", "matplotlib.figure", "peft",
    ):  # fmt: skip
        importlib.import_module(name)


def write_recipe(path: Path, model: Path) -> Path:
    """The recipe of the runs: two checkpoints of training, two languages, one task that generates nothing."""
    values: dict[str, Any] = {
        "name": "ordeal",
        "model": {"path": str(model), "dtype": "float32", "device": "cpu"},
        "data": {"source": "babel", "languages": ["qaa", "qab"], "limit": 20},
        "sampling": {"mode": "generate", "style": "direct", "n": 3, "max_new_tokens": 3, "batch_size": 64},
        "training": {"learning_rate": 1e-3, "batch_size": 16, "dtype": "float32", "checks_per_epoch": 2, "lora_r": 4},
        "evaluation": {"tasks": ["calm_babel_xl_mc"], "limit": 4, "batch_size": 64},
    }
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def watch_files(run: str, at: int, to: str) -> None:
    """Count the file operations of this process below ``run`` into the file ``to``; end its session at one."""
    count = 0
    changes = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event != "open" and event not in changes:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        place = arguments[0]
        if not isinstance(place, (str, bytes, os.PathLike)) or not os.fsdecode(place).startswith(run + os.sep):
            return
        count += 1
        if count == at:
            os.killpg(0, signal.SIGKILL)
        if not at:
            descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(descriptor, str(count).encode())
            os.close(descriptor)

    sys.addaudithook(hook)


def start(
    recipe: Path, run: Path, log: Path, *, kill: tuple[str, int] | None = None, stop_after: str | None = None
) -> int:
    """Begin an attempt in a session of its own; returns its process id.

    Args:
        log: where what it says goes.
        kill: ``align`` or ``train``, and at which file operation of that process; at 0 they are only counted, into
            ``<log>.<process>``.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        with log.open("ab") as handle:
            os.dup2(handle.fileno(), 1)
            os.dup2(handle.fileno(), 2)
        if kill is not None and kill[0] == "train":
            here = str(Path(__file__).resolve().parent)
            paths = os.pathsep.join([str(recipe.parent / "site"), os.environ.get("PYTHONPATH", "")])
            os.environ |= {
                "CALM_FORK_SERVER": "0", "CALM_ORDEAL": here,
                "CALM_ORDEAL_RUN": str(run), "CALM_ORDEAL_AT": str(kill[1]),
                "CALM_ORDEAL_TO": f"{log}.train", "PYTHONPATH": paths,
            }  # fmt: skip
        elif kill is not None:
            watch_files(str(run), kill[1], f"{log}.align")
        code = _align(recipe, run, stop_after)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _align(recipe: Path, run: Path, stop_after: str | None) -> int:
    """What ``calm-ext align`` does, with its exit codes."""
    from calm_ext.cli.ending import Logged
    from calm_ext.cli.screen import on_quiet_screen
    from calm_ext.errors import CalmError
    from calm_ext.pipeline.recipe import load_recipe
    from calm_ext.pipeline.run import Pipeline

    try:
        checked = load_recipe(recipe)
        with on_quiet_screen() as reporter:
            Pipeline(checked, run, reporter=reporter).run(stop_after=stop_after)
    except CalmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Logged as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def end(child: int, log: Path) -> Attempt:
    """Wait for an attempt."""
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # training that was left behind
    return Attempt(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))


def attempt(recipe: Path, run: Path, log: Path, *, seconds: float | None = None, **options: Any) -> Attempt:
    """One attempt, killed after some seconds where they are given."""
    log.unlink(missing_ok=True)
    child = start(recipe, run, log, **options)
    if seconds is not None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.02)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
    return end(child, log)


def differences(run: Path, reference: Path, *, trained: bool = True) -> list[str]:
    """The files up to the pairs that are not those of an undisturbed run, and the adapter where it is missing.

    Args:
        trained: the run went on to training.
    """
    found = [x for x in SAME if not (run / x).is_file() or (run / x).read_bytes() != (reference / x).read_bytes()]
    return found + (["adapter"] if trained and not (run / "adapter/adapter_model.safetensors").is_file() else [])


@contextlib.contextmanager
def workplace(folder: Path | None) -> Iterator[Path]:
    """A folder to work in; a temporary one, removed at the end, where none is named."""
    import tempfile

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="calm-ordeal-") as name:
        yield Path(name).resolve()


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a run."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def table(rows: list[tuple[str, ...]], heads: tuple[str, ...]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in lines)


def clock(seconds: float) -> Callable[[], bool]:
    """Whether time is left of so many seconds from now."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until
