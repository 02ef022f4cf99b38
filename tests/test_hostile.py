"""Files of strangers: what is in them is refused in one line or shown as text, and nothing in them is obeyed."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from calm_ext.errors import CalmError, DataError
from calm_ext.files.decode import MOST_LEVELS, decoded, read_table
from calm_ext.files.shown import json_visible, spreadsheet, visible
from calm_ext.files.texts import MOST_VALUES, read_yaml
from calm_ext.files.writing import atomic_write, prefix_of, sweep
from calm_ext.harness.evaluate import _flatten
from calm_ext.jsonl import Appender, numbered_lines, read_jsonl, undecoded_lines
from calm_ext.records import Prediction
from calm_ext.retrieval.arrays import mapped
from tests.conftest import ROOT

EVIL = "<script>x</script>\x1b[31m\u202egnp.exe [/var/run] =1+1 [a](javascript:b) | `c`\x07"


# --- reading

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, f"{MOST_VALUES:,} values"),
        ("[" * 100_000, "levels deep"),
        ("- " * 50_000, "levels deep"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 200)), "levels deep"),
        ("&a [*a]", "within itself"),
        ("1" + "0" * 9999, "characters"),
        ("1" + ":59" * 100_000, "characters"),
        ('"\\ud800"', "half a character"),
        ("!!python/object/apply:os.system [x]", "tag"),
        ("!!set {a}", "tag"),
        ("!!binary aGk=", "tag"),
        ("x" * 4_000_001, "characters"),
        (f"{'k' * 1000}: 1\n" * 2, "comes twice"),
    ],
)
def test_hostile_yaml_is_refused_in_a_short_line(text: str, said: str) -> None:
    started = time.process_time()
    with pytest.raises(DataError, match=said) as error:
        read_yaml(text, "f")
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert time.process_time() - started < 5


def test_a_date_in_yaml_is_a_text() -> None:
    assert read_yaml("a: 2001-99-99\nb: 2026-01-01", "f") == {"a": "2001-99-99", "b": "2026-01-01"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "levels deep"),
        ('{"a":' * (MOST_LEVELS + 1) + "1" + "}" * (MOST_LEVELS + 1), "levels deep"),
        ('{"a": 1, "a": 2}', "comes twice"),
        ('"\\ud800 b"', "half a character"),
        ('{"\\udc00": 1}', "half a character"),
    ],
)
def test_hostile_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decoded(text)


def test_json_of_other_programs_is_mended() -> None:
    assert decoded('{"a": "\\ud800", "a": "\\ud83d\\ude00 \\udc00"}', strict=False) == {"a": "😀 \ufffd"}
    assert decoded("1" + "0" * 10_000) == float("inf"), "and no error of Python's"
    assert decoded("\ufeff[1]") == [1]


def test_the_search_for_a_double_key_is_linear() -> None:
    text = "{" + ", ".join(f'"k{i}": 1' for i in range(200_000)) + ', "k199999": 2}'
    started = time.process_time()
    with pytest.raises(ValueError, match="k199999"):
        decoded(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "socket", "directory"])
def test_what_never_ends_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "results_x.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        path.mkdir()
    for read in (
        lambda: next(numbered_lines(path)),
        lambda: next(undecoded_lines(path)),
        lambda: read_table(path),
        lambda: Appender(path),
    ):
        with pytest.raises(DataError, match=r"is a (pipe|device|socket|directory)"):
            read()


@pytest.mark.parametrize("index", [300_000_000, 10**18, 10**400, -1, True, "1001"])
def test_an_index_that_is_none_makes_no_table_of_its_size(index: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    for row in ({"answer": index, "predictions": {"en": 0}}, {"answer": 0, "predictions": {"en": index}}):
        path.write_text(json.dumps({"id": "q", **row}) + "\n")
        with pytest.raises(DataError, match=r"p\.jsonl:1: ") as error:
            list(read_jsonl(path, Prediction))
        assert len(str(error.value)) < 300


def test_a_line_with_a_thousand_mistakes_is_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({"id": "q", "predictions": {f"x{i}": [] for i in range(1000)}}) + "\n")
    with pytest.raises(DataError, match="and 996 more") as error:
        list(read_jsonl(path, Prediction))
    assert len(str(error.value)) < 1500


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'shap\x1e': (20,", b"\x80\x04N.", b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': False, 'shape': (999999999999999999990,), }" + b" " * 44 + b"\n"])  # fmt: skip
def test_an_array_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match="build the index again"):
        mapped(tmp_path / "a.npy", "i")


# --- writing


def test_a_write_goes_where_the_path_leads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    real.write_text("old")
    link.symlink_to(real)
    atomic_write(link, "new")
    assert link.is_symlink() and real.read_text() == "new"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    atomic_write(pipe, ["a", "b"])
    reader.join(10)
    assert got == ["ab"] and stat.S_ISFIFO(pipe.stat().st_mode)
    atomic_write("/dev/null", "gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    atomic_write("-", "said")
    assert capsys.readouterr().out == "said"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "pipe", "real"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CalmError, match=r"/dev/full: cannot be written \(no space left on device\)"):
        atomic_write("/dev/full", "x" * 100_000)
    with pytest.raises(DataError, match="half a character"):
        atomic_write(tmp_path / "x", "\ud800")
    assert not list(tmp_path.iterdir())
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "calm_ext", "languages"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert done.returncode == 2 and done.stderr == "error: no space left on device\n"


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    gone = subprocess.Popen(["true"])
    gone.wait()
    own = prefix_of(target)
    dead = own.replace(f"-{os.getpid()}.", f"-{gone.pid}.")
    for name in (f"{own}live.tmp", f"{dead}left.tmp", ".out.jsonl.mine.tmp", f"{dead}left.txt"):
        (tmp_path / name).write_text("half")
    (tmp_path / f"{dead}folder.tmp").mkdir()
    sweep(target)
    kept = sorted(p.name for p in tmp_path.iterdir())
    assert kept == sorted([f"{own}live.tmp", ".out.jsonl.mine.tmp", f"{dead}left.txt"])


def test_names_of_tasks_keep_their_years(tmp_path: Path) -> None:
    time_ = "2026-11-30T00-00-00.5"
    for year in range(2020, 2026):
        (tmp_path / f"samples_kbl_exam_{year}_{time_}.jsonl").write_text(str(year))
    (tmp_path / f"results_{time_}.json").write_text("{}")
    _flatten(tmp_path, time_)
    found = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert found == {"results.json": "{}"} | {f"samples_kbl_exam_{y}.jsonl": str(y) for y in range(2020, 2026)}


# --- showing


def test_what_is_shown_is_not_obeyed() -> None:
    assert "\x1b" not in visible(EVIL) and "\u202e" not in visible(EVIL) and visible("é\tä\n") == "é\tä\n"
    assert json.loads(json_visible(json.dumps({"a": EVIL}, ensure_ascii=False))) == {"a": EVIL}
    for text in ("=1+1", "+x", "-x", "@x", "\tx", " =1", "\r=1"):
        assert spreadsheet(text) == "'" + text
    assert [spreadsheet(x) for x in ("-0.5", "+1e3", "a=b", "")] == ["-0.5", "+1e3", "a=b", ""]


def test_a_message_with_markup_ends_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    from calm_ext.cli.screen import on_screen
    from calm_ext.cli.terminal import console, echo

    with on_screen() as reporter:
        reporter.stage("vote", EVIL)
        reporter.progress(EVIL, 2)(1)
    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(EVIL)
    console().print(table)
    echo(EVIL)
    captured = capsys.readouterr()
    assert captured.err.count("[/var/run]") >= 1 and captured.out.count("[/var/run]") == 4
    assert "\x1b[31m" not in captured.out + captured.err and "\u202e" not in captured.out + captured.err


def test_pages_and_boards_and_studies_show_text(tmp_path: Path) -> None:
    from calm_ext.report.card.markdown import escape
    from calm_ext.report.templates import environment

    (tmp_path / "t.html").write_text("<p>{{ x }}</p>")
    page = environment(tmp_path).get_template("t.html").render(x=EVIL)
    assert "<script" not in page and "\u202e" not in page and "\x1b" not in page and "&lt;script&gt;" in page
    shown = escape(EVIL)
    assert "<script" not in shown and r"[a\](" in shown and r"\|" in shown and "\x1b" not in shown


# --- ending


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_with_a_word_and_what_it_started(number: int, code: int, tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "from calm_ext.cli.ending import run\n"
        "def command():\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    try:\n"
        "        print(child.pid, flush=True)\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        child.terminate(); child.wait()\n"
        "run(command)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert started.stdout is not None
    child = int(started.stdout.readline())
    started.send_signal(number)
    _, said = started.communicate(timeout=30)
    assert started.returncode == code
    assert said == f"ended by {signal.Signals(number).name}; the same command continues where it stopped\n"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


# --- sampling


def test_finished_samples_of_unequal_questions_stay(tmp_path: Path) -> None:
    """Questions may have different numbers of languages; whole chunks of two questions are kept."""
    from calm_ext.harness.written import Written
    from calm_ext.jsonl import write_jsonl
    from calm_ext.models.endings import Endings
    from calm_ext.records import Generation, ParallelQuestion, Version

    languages = [["en"], ["en", "fr", "de"], ["en", "fr"], ["fr", "de"], ["en"]]
    questions = [
        ParallelQuestion(id=f"q{i}", versions={x: Version(question="?", options=["a", "b"]) for x in own})
        for i, own in enumerate(languages)
    ]
    lines = [
        Generation(id=q.id, language=x, question="?", options=["a", "b"], prompt="?", responses=["A"])
        for q in questions
        for x in q.versions
    ]
    path = tmp_path / "g.jsonl"
    for there, questions_kept in ((9, 5), (8, 4), (7, 2), (5, 2), (4, 2), (3, 0)):
        write_jsonl(path, lines[:there])
        assert Written(path, questions).resume(2, Endings())[0] == questions_kept
        kept = sum(len(q.versions) for q in questions[:questions_kept])
        assert len(path.read_text().splitlines()) == kept
