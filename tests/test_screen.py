"""What a person sees of a run: lines or a live screen, nothing of libraries, and at the end the verdict."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from calm_ext.cli.main import main
from calm_ext.cli.screen import on_quiet_screen
from calm_ext.cli.screen.end import next_steps
from calm_ext.cli.screen.left import Forecast
from calm_ext.cli.screen.lines import Lines
from calm_ext.cli.screen.live import Live
from calm_ext.cli.screen.quiet import telling_lines
from calm_ext.cli.screen.words import Bar
from calm_ext.cli.terminal import new_console
from calm_ext.errors import RunError
from calm_ext.report.verdict import headline
from calm_ext.training.messages import MARK, Splitter
from tests.conftest import ROOT
from tests.small import LIBRARIES, small_recipe

STAGES = ["questions", "before", "sample", "vote", "pairs", "train", "after", "report"]
EVIL = "[bold]x[/var/run] \x1b[2J\u202e\x07 end"
COLLAPSE = "step 20: COLLAPSING: agreement fell from 0.500 to 0.100; lower training.learning_rate"
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(width: int = 100, height: int = 40) -> Any:
    console = new_console(file=Terminal(), width=width)
    console._environ = {"TERM": "xterm-256color"}
    console._force_terminal, console.height = True, height
    return console


def check(step: int, consistency: float, agreement: float) -> dict[str, Any]:
    return {"kind": "check", "step": step, "consistency": consistency, "agreement": agreement, "kept": 1 - step / 100}


def as_text(screen: Live) -> str:
    """What is drawn now."""
    return CODES.sub("", as_codes(screen))


def as_codes(screen: Live) -> str:
    """The same with its colours."""
    apart = terminal(screen.console.width, screen.console.height)
    apart.print(screen.render())
    return str(apart.file.getvalue())


def drive(reporter: Any, folder: Path, *, until: str = "") -> None:
    """A run that trains, and collapses."""
    reporter.begin(STAGES, folder)
    reporter.turn("questions", "skipped")
    reporter.turn("before", "starts")
    advance = reporter.progress("answering", 3200)
    advance(0)
    advance(1600)
    reporter.stage("before", "calm_babel_xl: accuracy 0.412, consistency 0.380")
    reporter.turn("before", "done", 42.2)
    for name in ("sample", "vote", "pairs"):
        reporter.turn(name, "starts")
        reporter.stage(name, EVIL)
        reporter.turn(name, "done", 1.0)
    reporter.turn("train", "starts")
    reporter.trained({"kind": "step", "step": 0, "of": 40})
    reporter.trained(check(0, 0.38, 0.5))
    reporter.trained({"kind": "step", "step": 20, "of": 40})
    reporter.trained(check(20, 0.61, 0.1))
    reporter.trained({"kind": "warning", "message": COLLAPSE})
    if until == "train":
        return
    reporter.turn("train", "done", 9.0)
    for name in ("after", "report"):
        reporter.turn(name, "starts")
        reporter.turn(name, "done", 1.0)


# --- the live screen


def test_the_screen_shows_stages_what_they_did_and_a_collapse_in_red(tmp_path: Path) -> None:
    with Live(terminal()) as screen:
        drive(screen, tmp_path, until="train")
        now, codes = as_text(screen), as_codes(screen)
        assert codes.count("\x1b[1;31m! step 20: COLLAPSING") == 1
        assert "\x1b[1;31m0.100" in codes, "the value that fell is red, too"
        assert re.search(r"train +held-out questions without labels, at step 20", now)
        assert "consistency              0.380 → 0.610  ▁█" in now
        assert "step 20 of 40" in now
        assert re.search(r"· after *\n· report *\n  [\d.]+ s so far, about 45 s left\n", now), (
            "after takes as long as before"
        )
        assert "before" not in now, "what has ended stands above"
    said = CODES.sub("", screen.console.file.getvalue())
    assert re.search(r"✓ before +calm_babel_xl: accuracy 0\.412, consistency 0\.380 +42\.2 s", said)
    assert re.search(r"■ train ", said), "it did not come to its end"


def test_the_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    for error in (None, KeyboardInterrupt(), RunError("no"), ZeroDivisionError()):
        screen = Live(terminal())
        try:
            with screen:
                drive(screen, tmp_path, until="train")
                if error is not None:
                    raise error
        except (KeyboardInterrupt, RunError, ZeroDivisionError):
            pass
        written = screen.console.file.getvalue()
        assert written.count("\x1b[?25l") == 1 and written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
        last = CODES.sub("", written).rstrip().replace("\r", "\n")
        assert ("✗ train" in last) == isinstance(error, Exception)
        assert ("■ train" in last) == (not isinstance(error, Exception))


@pytest.mark.parametrize("width", [28, 49, 60, 79, 200])
def test_no_line_is_wider_than_the_window(width: int, tmp_path: Path) -> None:
    with Live(terminal(width)) as screen:
        drive(screen, tmp_path, until="train")
        lines = as_text(screen).split("\n")
        assert all(len(line) <= width for line in lines)
        assert "".join("".join(lines).split()).count("COLLAPSING") == 1, "nothing is cut off"
    printed = re.split(r"[\r\n]+", CODES.sub("", screen.console.file.getvalue()))
    assert max(map(len, printed)) <= width
    whole = "".join("".join(printed).split())
    assert whole.count(r"[bold]x[/var/run]\x1b[2J\u202e\x07end") == 3, "three stages said it, and all of it is there"


def test_a_low_window_names_what_is_to_come_in_a_line(tmp_path: Path) -> None:
    with Live(terminal(80, 12)) as screen:
        drive(screen, tmp_path, until="train")
        assert "then after, report" in as_text(screen)


def test_the_time_left_is_said_when_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("calm_ext.cli.screen.words.time.monotonic", lambda: now)
    bar = Bar("steps", 100)
    bar.set(40)  # what an earlier run did
    assert bar.left() is None
    now = 110.0
    bar.set(60)
    assert bar.left() == pytest.approx(20.0)
    now = 115.0
    assert bar.left() == pytest.approx(15.0)
    forecast = Forecast({})
    assert forecast.left("before", 5.0, STAGES[2:], [bar]) is None, "nobody knows how long sampling takes"
    forecast.took("before", 30.0)
    assert forecast.left("train", 5.0, ["after", "report"], [bar]) == pytest.approx(15 + 30)
    forecast.took("train", 50.0)
    assert forecast.left("train", 20.0, ["after", "report"], []) == pytest.approx(30 + 30)


# --- lines


def test_without_a_terminal_there_are_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("calm_ext.cli.screen.lines.time.monotonic", lambda: now)
    out = io.StringIO()
    with Lines(new_console(file=out)) as lines:
        drive(lines, tmp_path, until="train")
        now = 61.0
        lines.trained({"kind": "step", "step": 30, "of": 40})
        lines.trained({"kind": "step", "step": 31, "of": 40})
    said = out.getvalue().split("\n")
    assert "\x1b" not in out.getvalue()
    assert said[:3] == ["questions unchanged, skipped", "   before starts",
                        "   before calm_babel_xl: accuracy 0.412, consistency 0.380"]  # fmt: skip
    assert r"   sample [bold]x[/var/run] \x1b[2J\u202e\x07 end" in said
    assert f"    train warning: {COLLAPSE}" in said
    assert any(line.startswith("    train step 20, held-out") and "0.610 (untrained 0.380)" in line for line in said)
    assert sum(line.startswith("    train step 3") for line in said) == 1, "one line a minute"


@pytest.mark.parametrize("setting", [{"TERM": "dumb"}, {"NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}])
def test_a_dumb_terminal_and_one_without_colours(setting: dict[str, str], tmp_path: Path) -> None:
    script = f"from pathlib import Path\nfrom tests.test_screen import drive\nfrom calm_ext.cli.screen import on_quiet_screen\nwith on_quiet_screen() as r: drive(r, Path({str(tmp_path)!r}))"
    said, code = in_terminal([sys.executable, "-c", script], setting, 66)
    assert code == 0 and "COLLAPSING" in said, said
    if "NO_COLOR" in setting:  # a window's width is that of the terminal, also where stdin is none
        lines = re.split(r"[\r\n]+", CODES.sub("", said).replace(str(tmp_path), ""))  # a path may be wider
        assert max(map(len, lines)) == 66 and said.isascii()
    colours = re.findall(r"\x1b\[(?:[\d;]*;)?(?:3\d|9\d)m", said)
    assert not colours and ("\x1b" in said) == ("NO_COLOR" in setting)


# --- what libraries print


@contextmanager
def own_streams(target: int) -> Iterator[None]:
    """Standard output and error as a process has them, led into a file."""
    saved, streams = [os.dup(1), os.dup(2)], (sys.stdout, sys.stderr)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        sys.stdout, sys.stderr = streams


def noise() -> None:
    """All ways in which something is printed."""
    from tqdm.auto import tqdm

    print("printed")
    print("to stderr", file=sys.stderr)
    os.write(2, b"by a library in C\n")
    subprocess.run(["sh", "-c", "echo by a child; echo fatal: not a git repository >&2"], check=True)
    handler, other = logging.StreamHandler(), logging.getLogger("other")
    other.addHandler(handler)
    other.warning("logged by another")
    other.removeHandler(handler)
    for _ in tqdm(range(3), desc="Loading weights"):
        pass


NOISE = ("printed", "to stderr", "by a library in C", "by a child", "fatal: not a git repository", "logged by another",
         "Loading weights: 100%")  # fmt: skip


@pytest.mark.parametrize("are_files", [True, False])
def test_what_libraries_print_is_in_the_log_and_our_warnings_are_shown(
    are_files: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["calm-ext", "align", "http://me:letmein@host/x"])
    folder = tmp_path / "run"
    folder.mkdir()

    def work() -> None:
        with on_quiet_screen() as reporter:
            print("before the run begins")
            reporter.begin(["vote"], folder)
            reporter.turn("vote", "starts")
            noise()
            logging.getLogger("calm_ext.somewhere").warning("%s of 9 lost [/red]", 3)
            reporter.turn("vote", "done", 1.0)
        print("a result")

    if are_files:
        with (tmp_path / "out").open("w") as out, own_streams(out.fileno()):
            work()
        said = (tmp_path / "out").read_text()
    else:
        work()
        said = "".join(capsys.readouterr())
    assert sorted(said.split("\n")) == sorted(
        ["     vote starts", "     vote warning: 3 of 9 lost [/red]", "     vote done in 1.0 s", "a result", ""]
    )
    log = (folder / "run.log").read_text()
    assert "before the run begins" in log and "vote warning: 3 of 9 lost" in log and "a result" not in log
    expected = NOISE if are_files else (*NOISE[:2], *NOISE[5:])  # of streams in memory no child knows
    assert [x for x in expected if x not in log] == []
    assert "letmein" not in log and log.startswith("# 20")


def test_the_log_of_a_second_run_comes_below(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        with on_quiet_screen() as reporter:
            reporter.begin([], tmp_path)
            print(f"run {number}")
    found = [line for line in (tmp_path / "run.log").read_text().split("\n") if not line.startswith("#")]
    assert found == ["run 1", "run 2", ""]
    assert not capsys.readouterr().out


def test_which_lines_of_a_log_tell_why() -> None:
    trace = "Traceback (most recent call last):\n" + "\n".join(f"  frame {i}" for i in range(20)) + "\nValueError: why"
    assert telling_lines(f"{trace}\nend")[-2:] == ["ValueError: why", "end"]
    assert len(telling_lines(trace)) == 8
    assert telling_lines("a bar 5%\ra bar 100%\nCUDA out of memory\nall is well") == ["CUDA out of memory"]
    assert telling_lines("all is well") == []
    assert len(telling_lines("error " + "x" * 10_000)[0]) < 400


def calm(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["calm-ext", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_failure_shows_what_the_log_has_and_names_it(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run, folder)
    arguments = ["align", str(folder / "recipe.yaml"), "--run", str(folder), "--set", "vote.min_margin=1e-9"]
    raised: list[BaseException] = []

    def fails(*_: Any) -> None:
        print("some library: error: the [/device] is gone")
        raise raised[0]

    monkeypatch.setattr("calm_ext.pipeline.stages.vote.elect", fails)
    log = folder / "run.log"
    raised.append(ZeroDivisionError("division by zero"))
    assert calm(arguments, monkeypatch) == 1
    said = capsys.readouterr().err.split("\n")
    assert said[-2] == f"error: ZeroDivisionError: division by zero (all of it: {log})"
    assert "          ZeroDivisionError: division by zero" in said and "Traceback" not in "".join(said)
    assert "in fails" in "".join(said) and "in fails" in log.read_text() and "Traceback" in log.read_text()
    raised[0] = RunError("nothing can be elected")
    assert calm(arguments, monkeypatch) == 2
    said = capsys.readouterr().err.split("\n")
    assert said[-4:] == ["          some library: error: the [/device] is gone",
                         f"          what libraries printed: {log}", "error: nothing can be elected", ""]  # fmt: skip
    raised[0] = KeyboardInterrupt()
    assert calm(arguments, monkeypatch) == 130
    said = capsys.readouterr().err.split("\n")
    assert said[-2] == "interrupted; the same command continues where it stopped" and "error" not in "".join(said)


def test_what_fails_before_there_is_a_log_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError), on_quiet_screen():
        raise ZeroDivisionError
    assert "log" not in capsys.readouterr().err


def test_messages_are_found_wherever_the_output_is_cut() -> None:
    note = MARK + json.dumps({"kind": "note", "message": "é [/x]"}).encode() + b"\n"
    whole = b"\r50%|" + note + b"text " + MARK + b"no JSON\n" + MARK + b"[1]\n" + note + b"end"
    expected = b"\r50%|text " + MARK + b"no JSON\n" + MARK + b"[1]\nend"
    for cut in range(len(whole)):
        splitter = Splitter()
        parts = [splitter.feed(whole[:cut]), splitter.feed(whole[cut:])]
        assert b"".join(text for text, _ in parts) + splitter.rest() == expected
        assert [m["message"] for _, found in parts for m in found] == ["é [/x]"] * 2


# --- a real run


def in_terminal(command: list[str], settings: dict[str, str], width: int = 100) -> tuple[str, int]:
    """What a command writes to a terminal, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}  # they would be the width
    environment = {**inherited, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(theirs)
    parts: list[bytes] = []

    def read() -> None:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side is closed
                return
            if not part:
                return
            parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    code = process.wait()
    reader.join(10)
    os.close(ours)
    return b"".join(parts).decode(), code


def test_a_real_run_in_a_terminal(babel_model: Path, tmp_path: Path) -> None:
    """From a fresh folder to the report, with a learning rate at which training collapses."""
    recipe = small_recipe(
        babel_model,
        data={"limit": 40},
        training={"learning_rate": 0.3, "heldout_share": 0.4, "checks_per_epoch": 1},
        evaluation={"tasks": ["calm_babel_xl"]},
    )
    (tmp_path / "small.yaml").write_text(recipe.to_yaml())
    run = tmp_path / "run"
    command = [sys.executable, "-m", "calm_ext", "align", str(tmp_path / "small.yaml"), "--run", str(run)]
    said, code = in_terminal(command, {"PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"}, 120)
    assert code == 0, said
    plain = CODES.sub("", said)
    assert not LIBRARIES.findall(plain), plain
    for name in STAGES:
        assert re.search(rf"✓ {name} ", plain), name
        assert re.search(rf"[{re.escape('⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏')}] {name} ", plain), f"{name} was seen at work"
    assert re.search(r"held-out questions without labels, at step [1-9]", plain)
    assert re.search(r"\x1b\[1;31m! step \d+: COLLAPSING", said)
    assert re.search(r"calm_babel_xl: accuracy 0\.\d+, consistency 0\.\d+", plain)
    end = " ".join(plain[plain.rindex("✓ report") :].split())
    verdict = headline(json.loads((run / "summary.json").read_text()))[1]
    places = [
        end.find(x)
        for x in (verdict, " in all ", "calm_babel_xl: 4 questions", " next ", f"{run}/report/index.html in")
    ]
    assert -1 not in places and places == sorted(places), end
    assert f"calm-ext explain {run}" in end[places[3] :]
    assert end.endswith("check a real model calm-ext check MODEL"), end
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l"), "the cursor is back"
    log = (run / "run.log").read_text()
    assert "Loading weights: 100%" in log and "COLLAPSING" in log and "\x1e" not in log
    assert re.search(r"^    train step|^    train training in float32 on a CPU", log, re.MULTILINE)


def test_the_next_steps_follow_the_verdict(tmp_path: Path) -> None:
    def summary(p: float, sign: int, **more: Any) -> dict[str, Any]:
        change = {
            "value": 0.1 * sign,
            "low": 0.1 * sign - (0.05 if p < 0.05 else 0.3),
            "high": 0.1 * sign + 0.05,
            "p": p,
        }
        task = {"ci95": {}, "before": {"acc": 0.5, "consistency": 0.5}, "after": {"acc": 0.6, "consistency": 0.6},
                "difference": {"acc": change, "consistency": change}, "languages": ["en", "fr"], "asked": 0}  # fmt: skip
        return {"calm_x_xl": task, **more}

    run = tmp_path / "my run"
    merge = f"calm-ext merge '{run}' -o 'models/my run'"
    verbs = {}
    for word, found in {
        "good": summary(0.01, 1), "none": summary(0.5, 1), "bad": summary(0.01, -1),
        "untrained": summary(0.5, 1, training={"chosen_step": 0}),
    }.items():  # fmt: skip
        commands = [command for _, command in next_steps(run, found)]
        assert commands[0] == f"{run}/report/index.html in a browser" and commands[1] == f"calm-ext explain '{run}'"
        assert (merge in commands) == (word in ("good", "none"))
        verbs[word] = [c.split()[1] for c in commands[2:]]
    assert verbs == {"good": ["merge", "push"], "none": ["tune", "merge"], "bad": ["tune"], "untrained": ["tune"]}
