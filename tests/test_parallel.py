"""A file in several processes gives what one process gives: the same bytes, the same errors, and no process is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calm_ext.files.parallel import Piece, pieces_of, spread, workers
from calm_ext.jsonl import numbered_lines, write_jsonl
from calm_ext.results.generations import import_paper
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes are forked on Linux only")

# Votes and pairs in a new interpreter, where nothing keeps it from forking: argv is a folder, how many processes (1,
# "forked" or "started"), and the bytes of a piece. Prints the errors, and the processes that took part.
RUN = """
import json, os, sys
from pathlib import Path
folder, how, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
from calm_ext.errors import CalmError
from calm_ext.files import crew, parallel
from calm_ext.jsonl import Appender, read_numbered, write_jsonl
from calm_ext.models.endings import Endings
from calm_ext.pairing import build
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation
from calm_ext.voting import answered
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable

parallel.workers = lambda path: (1 if how == "1" else 3, how == "forked")
answered.workers = parallel.workers
answered._PIECE = build._PIECE = size
crews = []
class Crew(crew.Crew):
    def results(self, pieces):
        n = 0
        for piece, found in super().results(pieces):
            n += 1
            yield piece, found
        crews.append([len(self._processes), n])
crew.Crew = Crew
path, errors, endings = folder / "generations.jsonl", [], Endings()
def stream():
    return read_numbered(path, Generation)
try:
    table = VoteTable.read(stream(), style="explain", endings=endings)
    write_jsonl(folder / "ballots.jsonl", elect(table, VotingOptions(rule="majority")).ballots)
except CalmError as error:
    errors.append(str(error))
summaries = []
for number, options in enumerate((PairingOptions(reject_unparsed=True), PairingOptions(max_ratio=1, max_length_ratio=2))):
    report = build.PairReport()
    ballots = read_numbered(folder / "ballots.jsonl", Ballot)
    with Appender(folder / f"pairs{number}.jsonl") as out:
        try:
            for pair in build.build_pairs(ballots, stream, options, style="explain", report=report):
                out.append([pair])
        except CalmError as error:
            errors.append(str(error))
    summaries.append(report.summary())
print(json.dumps({"errors": errors, "crews": crews, "endings": endings.summary(), "pairs": summaries}))
"""

SAID = {
    "en": ("Explanation: Fish live in the water and not in the air, as everybody knows.", "Answer:"),
    "fr": ("Explication : les poissons vivent dans l'eau et non dans l'air, tout le monde le sait.", "Réponse :"),
    "de": ("Erklärung: Fische leben im Wasser und nicht an der Luft, das weiß doch jeder.", "Antwort:"),
    "ja": ("説明：魚は空気の中ではなく水の中で暮らしています。", "答え："),
}
OPTIONS = {x: [f"{x} {word}" for word in ("air", "water", "sand", "fire")] for x in SAID}


def generations(n: int) -> list[dict[str, object]]:
    rng = random.Random(0)
    rows: list[dict[str, object]] = []
    for i in range(n):
        for language in SAID:
            responses: list[str | None] = []
            for _ in range(3):
                spoken = rng.choice([language, language, "en"])
                answer = rng.choice([1, 1, 1, 0, 2])
                talk = SAID[spoken][0] + rng.choice(["", " " + OPTIONS[language][0] + "."])
                cue = rng.choice([f"{SAID[language][1]} {'ABCD'[answer]}. {OPTIONS[language][answer]}", "", "B or A"])
                responses.append(rng.choice([f"{talk}\n\n{cue}"] * 9 + [None]))
            row = {"id": f"q{i}", "language": language, "source_language": "en", "question": "?", "answer": i % 4,
                   "options": OPTIONS[language], "prompt": f"{i}?", "responses": responses,
                   "finish": [rng.choice(["stop", "length"]) for _ in responses]}  # fmt: skip
            rows.append(row)
    return rows


def write(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "generations.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(folder: Path, how: str, size: int = 20_000) -> tuple[dict[str, object], dict[str, bytes]]:
    """What the run printed, and the files it wrote, which begin anew."""
    for name in ("ballots.jsonl", "pairs0.jsonl", "pairs1.jsonl"):
        if how == "1" or name != "ballots.jsonl":
            (folder / name).unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), how, str(size)],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    files = {p.name: p.read_bytes() for p in sorted(folder.glob("*.jsonl")) if p.name != "generations.jsonl"}
    return json.loads(done.stdout), files


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return [json.dumps(row, ensure_ascii=False) for row in generations(60)]


@pytest.mark.parametrize("how", ["forked", "started"])
def test_the_same_bytes(how: str, lines: list[str], tmp_path: Path) -> None:
    write(tmp_path, [*lines[:100], "", *lines[100:]])
    alone, files = run(tmp_path, "1")
    assert alone["crews"] == [] and alone["errors"] == []
    assert len(files["ballots.jsonl"].splitlines()) == 60 and len(files["pairs0.jsonl"].splitlines()) > 200
    assert alone["pairs"][0]["left_out"]["chosen in another language"] > 0  # type: ignore[index]
    assert alone["endings"]["missing"] and alone["endings"]["cut"]  # type: ignore[index]
    found, same = run(tmp_path, how)
    assert [n for n, _ in found["crews"]] == [3, 3, 3, 3]  # type: ignore[union-attr, attr-defined]
    assert all(pieces > 4 for _, pieces in found["crews"])  # type: ignore[attr-defined]
    assert same == files
    # The summaries too, down to the order of their keys.
    assert json.dumps({**found, "crews": []}) == json.dumps(alone)


def test_the_published_responses(paper_data: Path, tmp_path: Path) -> None:
    names = {"en": "en", "zh": "cn", "fr": "fr", "de": "de", "it": "it", "ja": "ja"}
    files = {x: paper_data / f"data/xcsqa/samples/x_csqa_{n}_train_sampled.json" for x, n in names.items()}
    rows = [row for row in import_paper(files, source_language="en") if int(row.id.rpartition("-")[2]) < 150]
    write_jsonl(tmp_path / "generations.jsonl", rows)
    alone, files_alone = run(tmp_path, "1", 1 << 16)
    found, files_found = run(tmp_path, "forked", 1 << 16)
    assert len(files_alone["ballots.jsonl"].splitlines()) == 150 and len(found["crews"]) == 4  # type: ignore[arg-type]
    assert files_found == files_alone and json.dumps({**found, "crews": []}) == json.dumps(alone)


BAD = {
    "no JSON": "{no",
    "no record": '{"id": "x"}',
    "comes twice": 0,
    "no words": '{"id":"z","language":"oc","question":"?","options":["a","b"],"prompt":"?","responses":["A"]}',
    "no language": '{"id":"z","language":"xx-?","question":"?","options":["a","b"],"prompt":"?","responses":["A"]}',
    "scored": '{"id":"z","language":"en","question":"?","options":["a","b"],"prompt":"?","option_logprobs":[-1,-2]}',
}


@pytest.fixture(scope="module")
def ballots(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Those of the lines."""
    folder = tmp_path_factory.mktemp("ballots")
    write(folder, lines)
    return run(folder, "1")[1]["ballots.jsonl"]


@pytest.mark.parametrize("what", list(BAD))
def test_the_first_bad_line_is_named(what: str, lines: list[str], ballots: bytes, tmp_path: Path) -> None:
    """What stands before it comes first, and the second one is not heard of."""
    (tmp_path / "ballots.jsonl").write_bytes(ballots)
    bad = BAD[what]
    line = lines[bad] if isinstance(bad, int) else bad
    write(tmp_path, [*lines[:150], line, *lines[150:200], "{worse", *lines[200:]])
    alone, _ = run(tmp_path, "forked", 1 << 30)  # one piece, done again here
    found, files = run(tmp_path, "forked")
    assert found["errors"] == alone["errors"]
    first, *rest = found["errors"]  # type: ignore[misc]
    assert first.startswith(f"{tmp_path}/generations.jsonl:151: ") or what == "no words"
    assert all(":151: " in x or ":202: not a JSON object" in x for x in rest) and len(rest) == 2
    assert len(files["pairs0.jsonl"].splitlines()) > 50


def test_ballots_of_other_generations(lines: list[str], tmp_path: Path) -> None:
    write(tmp_path, [*lines, lines[-1].replace('"q59"', '"q60"')])
    run(tmp_path, "1")
    write(tmp_path, [*lines, lines[-1].replace('"q59"', '"q60"').replace('"ja"', '"fr"')])
    for how in ("1", "forked"):
        # The vote comes first, and its ballots would fit: the older ones are put back by a vote that fails.
        ballots = (tmp_path / "ballots.jsonl").read_text()
        (tmp_path / "kept.jsonl").write_text(ballots)
        code = RUN.replace(
            "summaries = []",
            "(folder / 'ballots.jsonl').write_bytes((folder / 'kept.jsonl').read_bytes())\nsummaries = []",
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path), how, "20000"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        said = f"{tmp_path}/ballots.jsonl:61: there are no generations of question q60 in ja: the ballots are of other generations"
        assert json.loads(done.stdout)["errors"] == [said, said]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_pieces_are_whole_lines(end: str, last: bool, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    rows = [json.dumps({"i": i, "text": "é" * (i % 50)}, ensure_ascii=False) for i in range(300)]
    rows.insert(7, "")
    path.write_bytes((end.join(rows) + (end if last else "")).encode())
    pieces = list(pieces_of(path, 1000))
    assert len(pieces) > 5 or end == "\r"
    assert sum(p.size for p in pieces) == path.stat().st_size
    whole = list(numbered_lines(path))
    assert [x for piece in pieces for x in numbered_lines(path, piece=piece)] == whole
    assert list(numbered_lines(path, after=100)) == [x for x in whole if x[0] > 100]


class _Work:
    """Notes which process does a piece; fails at one, or ends its process there."""

    def __init__(self, fail: int, die: int) -> None:
        self.fail, self.die, self.here = fail, die, os.getpid()

    def __call__(self, piece: Piece) -> list[tuple[int, int]]:
        if piece.before == self.fail:
            raise ValueError
        if piece.before == self.die and os.getpid() != self.here:
            os._exit(1)
        return [(piece.before, os.getpid())]


@pytest.mark.parametrize(("fail", "die"), [(-1, -1), (30, -1), (-1, 30), (-1, 0)])
def test_the_rest_is_done_here_where_a_process_fails(
    fail: int, die: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("x\n" * 100)
    monkeypatch.setattr("calm_ext.files.parallel.workers", lambda _: (2, True))
    here = os.getpid()
    found = list(
        spread(path, _Work(fail, die), lambda after: iter([(x, here) for x in range(after, 100, 10)]), size=20)
    )
    assert [at for at, _ in found] == list(range(0, 100, 10))
    wrong = max(fail, die)
    assert all((process == here) == (wrong >= 0 and at >= wrong) for at, process in found)


def test_when_processes_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    monkeypatch.setattr("calm_ext.files.parallel._THREADED", ())
    monkeypatch.setattr("calm_ext.files.parallel.threading.active_count", lambda: 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    with path.open("wb") as handle:
        handle.truncate(1000)
        assert workers(path)[0] == 1, "too small"
        handle.truncate(1 << 20)
        assert workers(path) == (2, True)
        handle.truncate(1 << 24)
        assert workers(path) == (3, True)
        monkeypatch.setattr("calm_ext.files.parallel._THREADED", ("json",))
        assert workers(path)[0] == 1, "a new interpreter does not pay"
        handle.truncate(1 << 30)
        assert workers(path) == (3, False)
        monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
        assert workers(path)[0] == 1


SLOW = """
import sys, time
from pathlib import Path
from calm_ext.files import parallel
parallel.workers = lambda path: (2, True)
def slow(piece):
    time.sleep(float(sys.argv[2]))
    return []
list(parallel.spread(Path(sys.argv[1]), slow, lambda after: iter(()), size=4))
"""


def children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, 600), (signal.SIGTERM, 0.2), (signal.SIGKILL, 0.2)])
def test_no_process_is_left(number: signal.Signals, seconds: float, tmp_path: Path) -> None:
    """Ctrl-C goes to all processes of a terminal, and ends them; where one is killed the others end with their piece."""
    path = tmp_path / "f"
    path.write_text("xxx\n" * 1000)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(path), str(seconds)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )  # fmt: skip
    while len(found := children(process.pid)) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.1)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number
    assert errors.count("Traceback") == (number == signal.SIGINT)
    for _ in range(1000):
        if not any(map(alive, found)):
            return
        time.sleep(0.01)
    pytest.fail("a process is left")
