"""``calm-ext check``: what is counted, what is shown, what is asked and used again, and what is refused."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from calm_ext.checkup.card import to_html, write_card
from calm_ext.checkup.examples import examples_in
from calm_ext.checkup.found import Checkup, read_checkup
from calm_ext.checkup.picture import draw
from calm_ext.checkup.run import Asked
from calm_ext.checkup.screen import print_checkup
from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.metrics.measure import measure
from calm_ext.results.answers import read_answers

TASK = "calm_sample_xl_mc"
EVIL = "<script>alert(1)</script>\x1b[31m\u202e{{ 7 * 7 }} & \"'><img src=x onerror=alert(1)>"


def write_samples(
    folder: Path,
    answers: Sequence[Mapping[str, int]],
    *,
    gold: int = 0,
    source: str | None = "en",
    text: str = "question",
    shown: Sequence[int] | None = None,
) -> Path:
    """Samples as lm-eval logs them, of questions with four options of one length, answered as given."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, own in enumerate(answers):
        languages = list(own)
        doc = {
            "id": f"q{number:02}", "answer": gold, "source_language": source, "languages": languages,
            "questions": [f"{text} {number} {x}" for x in languages],
            "options": [[f"{text} {i}" for i in range(4)] for _ in languages],
            **({"shown": list(shown)} if shown else {}),
        }  # fmt: skip
        scores = [[-1.0 if i == own[x] else -9.0, False] for x in languages for i in range(4)]
        arguments = {f"gen_args_{i}": {"arg_0": "prompt", "arg_1": "x"} for i in range(len(scores))}
        lines.append(
            {"doc_id": number, "doc": doc, "target": str(gold), "arguments": arguments,
             "resps": [[s] for s in scores], "filtered_resps": scores, "filter": "none", "metrics": ["acc"],
             "doc_hash": str(number), "acc": 0.0}
        )  # fmt: skip
    path = folder / f"samples_{TASK}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def found_in(folder: Path, *, model: str = "org/model", **changes: Any) -> Checkup:
    values: dict[str, Any] = {
        "model": model, "path": model, "task": TASK, "style": "cloze", "chat_template": False, "why": "as it is",
        "questions": 10, "available": 10, "folder": folder,
    }  # fmt: skip
    return read_checkup(Asked(**(values | changes)))


def screen(found: Checkup, *, width: int = 110) -> str:
    console = Console(width=width, record=True, markup=False, highlight=False, file=open("/dev/null", "w"))  # noqa: SIM115
    print_checkup(found, console)
    return console.export_text()


#: Ten questions: English right in eight; Arabic wrong in four of these and Japanese in two; both differ wherever one is.
TEN = [
    *[{"en": 0, "ar": 1, "ja": 0}] * 3, {"en": 0, "ar": 1, "ja": 2}, {"en": 0, "ar": 0, "ja": 3},
    *[{"en": 0, "ar": 0, "ja": 0}] * 3, *[{"en": 1, "ar": 0, "ja": 0}] * 2,
]  # fmt: skip


def test_what_is_counted(tmp_path: Path) -> None:
    found = found_in(write_samples(tmp_path / "r", TEN))
    assert (found.pivot, found.pivot_right, dict(found.lost)) == ("en", 8, {"ar": 4, "ja": 2})
    agree = {p.languages: round(p.consistency, 3) for p in found.pairs}
    assert agree == {("en", "ar"): 0.4, ("ar", "ja"): 0.5, ("en", "ja"): 0.6}
    assert (found.weakest.languages, found.strongest.languages) == (("en", "ar"), ("en", "ja"))
    assert found.headline == (
        "org/model gives the same answer in two languages to 50 % of the questions (mean of 3 pairs); "
        "weakest: English–Arabic (40 %); "
        "4 questions right in English and wrong in Arabic."
    )
    assert [e.id for e in found.examples] == ["q00", "q01", "q02"]  # Japanese has them right, unlike q03
    assert [s.language for s in found.examples[0].sides] == ["en", "ar"]


def test_the_numbers_are_those_of_metrics(tmp_path: Path) -> None:
    folder = write_samples(tmp_path / "r", TEN)
    values, expected = found_in(folder).as_dict(), measure(read_answers([folder], task=TASK))
    contract = ["model", "consistency", "acc", "languages", "weakest_pair", "examples"]
    assert list(values)[: len(contract)] == contract
    assert (values["consistency"], values["acc"]) == (expected.metrics["consistency"], expected.metrics["acc"])
    assert (values["ci95"], values["chance"]) == (expected.ci95, expected.chance)
    assert values["weakest_pair"] == {"languages": ["en", "ar"], "consistency": pytest.approx(0.4)}
    example = values["examples"][0]
    assert (example["right"], example["languages"]["ar"]["answer"]) == (0, 1)
    assert example["languages"]["en"]["options"][0] == "question 0"
    assert json.loads(json.dumps(values))["lost"] == {"ar": 4, "ja": 2}


def test_examples_go_on_where_a_language_has_too_few(tmp_path: Path) -> None:
    """First the language that loses most, then the next; without a pivot what two languages answer differently."""
    two = [
        {"en": 0, "ar": 1, "ja": 0},
        {"en": 0, "ar": 1, "ja": 0},
        {"en": 0, "ar": 0, "ja": 2},
        {"en": 0, "ar": 0, "ja": 0},
    ]
    pairs = [(e.id, e.sides[1].language) for e in examples_in(write_samples(tmp_path / "two", two), TASK)]
    assert pairs == [("q00", "ar"), ("q01", "ar"), ("q02", "ja")]
    bare = [{"de": 2, "fr": 1}, {"de": 1, "fr": 1}]
    without = found_in(write_samples(tmp_path / "bare", bare, source=None))
    assert (without.pivot, without.lost, [e.id for e in without.examples]) == (None, {}, ["q00"])
    assert without.headline == "org/model gives the same answer in German and French to 50 % of the questions."
    assert "weakest" not in screen(without) + to_html(without)
    alike = found_in(write_samples(tmp_path / "alike", [{"en": 0, "fr": 0}] * 3))
    assert (alike.examples, alike.worst) == ((), ("fr", 0))
    assert "0 questions right in English and wrong in French" in alike.headline
    assert "to show it" not in screen(alike)


def test_letters_are_shown_in_the_order_of_the_prompt(tmp_path: Path) -> None:
    folder = write_samples(tmp_path / "r", [{"en": 0, "ar": 1}], shown=[3, 1, 0, 2])
    said = screen(found_in(folder))
    assert "A. question 3   B. question 1   [C. question 0] ✓   D. question 2" in said
    assert "A. question 3   [B. question 1] ✗   C. question 0 ✓   D. question 2" in said


@pytest.mark.parametrize(
    ("answers", "said", "near"),
    [
        ([{"en": i % 4, "ar": (i + 1) % 4} for i in range(20)], "is not clearly above chance (25 %), so its agreement says little",
         ["en", "ar"]),
        ([{"en": 0, "ar": i % 4} for i in range(20)], "not clearly above chance (25 %) in Arabic: there agreement", ["ar"]),
        ([{"en": 0, "ar": 0}] * 20, None, []),
    ],
)  # fmt: skip
def test_accuracy_near_chance_is_said(tmp_path: Path, answers: Any, said: str | None, near: list[str]) -> None:
    found = found_in(write_samples(tmp_path / "r", answers))
    assert found.as_dict()["near_chance"] == near
    warned = [c for c in found.cautions if "above chance" in c]
    assert (len(warned) == 1 and said in warned[0]) if said else not warned
    assert screen(found).count("near chance") == len(near)
    assert to_html(found).count('<span class="own">near chance') == len(near)


def test_a_screen_holds_it_all(tmp_path: Path) -> None:
    found = found_in(write_samples(tmp_path / "r", TEN), questions=10, available=120, minutes=9.2)
    said = screen(found)
    assert len(said.splitlines()) <= 40
    for part in (
        found.headline[:60], "95 % interval", "by chance 25 %", "(8 right)", "4 questions", "weakest pair: English–Arabic",
        "[question 1] ✗", "all would take about 10 minutes", "--questions 120", "calm-ext compare", "calm-ext align",
    ):  # fmt: skip
        assert part in said, part
    assert (
        f"calm-ext check OTHER --tasks {TASK} --questions 10 -o runs/other && calm-ext compare {tmp_path}/r runs/other"
        in said
    )


def test_a_card_to_share_tells_nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No path, no time; and the picture has how many were asked, intervals, a warning, the version and the day."""
    from matplotlib.figure import Figure

    (tmp_path / "models/mine").mkdir(parents=True)
    folder = write_samples(tmp_path / "r", [{"en": i % 4, "ar": (i // 2) % 4, "ja": (i // 3) % 4} for i in range(10)])
    date = {"results": {}, "configs": {}, "date": 1_900_000_000.0}
    (folder / "results.json").write_text(json.dumps(date))
    found = found_in(folder, model=str(tmp_path / "models/mine"), questions=10, available=120, minutes=9.2)
    page = to_html(found)
    assert str(tmp_path) not in page and "minutes" not in page and "this machine" not in page
    assert "Only 10 of 120 questions were asked." in page and "model.path=mine" in page and "2030-03-17" in page
    drawn: list[str] = []
    text = Figure.text
    monkeypatch.setattr(
        Figure, "text", lambda self, x, y, s, *a, **k: (drawn.append(s), text(self, x, y, s, *a, **k))[1]
    )
    draw(found)
    for said in ("10 of 120 questions in 3 languages", "agreement says little", "95 % interval ", "2030-03-17"):
        assert any(said in x for x in drawn), (said, drawn)


def test_many_languages_stay_on_one_screen(tmp_path: Path) -> None:
    languages = ["en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar", "ko", "tr", "vi", "sw"]
    answers = [{x: 0 if i > n else 1 for n, x in enumerate(languages)} for i in range(16)]
    said = screen(found_in(write_samples(tmp_path / "r", answers)))
    listed = [line.split()[0] for line in said.splitlines() if "█" in line]
    assert len(listed) == 12 and listed[0] == "English" and listed[-1] == "Swahili"
    assert "and 2 languages more" in said


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    folder = write_samples(tmp_path / "r", [{"en": 0, "ar": 1}] * 3, text=EVIL)
    found = found_in(folder, model=EVIL, why=EVIL)
    write_card(found, tmp_path / "card")
    page = (tmp_path / "card/check.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<img" not in page and "49" not in page.split("</style>")[-1]
    assert "&lt;script&gt;alert(1)" in page
    assert not {"\x1b", "\u202e"} & set(page)
    assert not {"\x1b", "\u202e"} & set(screen(found))
    assert json.loads((tmp_path / "card/check.json").read_text(encoding="utf-8"))["model"] == EVIL
    picture = (tmp_path / "card/check.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", picture[16:24]) == (1200, 630)


# --- the verb -----------------------------------------------------------------------------------------------------


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, arguments)])


def error(*arguments: str | Path) -> str:
    said = check(*arguments).exception
    assert isinstance(said, CalmError), said
    return str(said)


@pytest.fixture(scope="module")
def kept(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path, dict[str, Any]]:
    """Arguments of a check, its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("check") / "out"
    arguments = [str(babel_model), "--tasks", "calm_babel_xl_mc", "--languages", "qaa,qab,qac", "-o", str(folder)]
    arguments += ["--questions", "12", "--json", "--device", "cpu"]
    done = check(*arguments)
    assert done.exit_code == 0, done.exception
    return arguments, folder, json.loads(done.stdout)


def test_the_same_command_uses_the_results_again(
    kept: tuple[list[str], Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, folder, first = kept
    assert (first["reused"], first["n_questions"], first["languages"]) == (False, 12, ["qaa", "qab", "qac"])
    assert {p.name for p in folder.iterdir()} == {"calm_babel_xl_mc", "check.html", "check.png", "check.json"}

    def refuse(*_: Any, **__: Any) -> None:
        raise CalmError("the model is loaded")

    monkeypatch.setattr("calm_ext.models.lm.load_lm", refuse)
    again = json.loads(check(*arguments).stdout)
    assert again == first | {"reused": True}
    shown = check(*(x for x in arguments if x != "--json"))
    assert shown.exit_code == 0 and "--again asks again" in shown.stderr and str(folder / "check.png") in shown.stdout
    for more in (["--again"], ["--questions", "13"], ["--languages", "qad"], ["--no-chat-template"]):
        assert error(*arguments, *more) == "the model is loaded", more


def test_a_changed_model_is_asked_again_and_another_one_refused(
    kept: tuple[list[str], Path, dict[str, Any]], tmp_path: Path
) -> None:
    arguments, _, first = kept
    model, other = tmp_path / "model", tmp_path / "other"
    shutil.copytree(arguments[0], model)
    shutil.copytree(arguments[0], other)
    own = [str(model), *arguments[1:], "-o", str(tmp_path / "out")]
    assert [json.loads(check(*own).stdout)["reused"] for _ in range(2)] == [False, True]
    (model / "config.json").touch()
    changed = json.loads(check(*own).stdout)
    assert not changed["reused"] and changed["consistency"] == first["consistency"]
    assert f"has the check of {model}; name another folder with -o" in error(str(other), *own[1:])


def test_other_verbs_read_the_results(kept: tuple[list[str], Path, dict[str, Any]]) -> None:
    _, folder, first = kept
    scored = CliRunner().invoke(cli, ["metrics", str(folder), "--json"])
    assert json.loads(scored.stdout)["metrics"] == first["metrics"]
    ranked = CliRunner().invoke(cli, ["leaderboard", str(folder), "--json"])
    assert ranked.exit_code == 0 and "calm_babel_xl_mc" in ranked.stdout


def test_the_form_suits_the_model(babel_model: Path, tmp_path: Path) -> None:
    """A tokenizer with a chat template is asked by letters and through it, any other by the options' texts."""
    model = tmp_path / "chatty"
    shutil.copytree(babel_model, model)
    short = ["--questions", "2", "--languages", "en,fr", "--json"]
    plain = json.loads(check(model, *short, "-o", tmp_path / "plain").stdout)
    assert (plain["task"], plain["chat_template"]) == ("calm_sample_xl_mc", False)
    assert "a base model" in plain["asked"]
    (model / "chat_template.jinja").write_text("{% for m in messages %}user {{ m['content'] }} {% endfor %}")
    chatty = json.loads(check(model, *short, "-o", tmp_path / "chatty-out").stdout)
    assert (chatty["task"], chatty["chat_template"]) == ("calm_sample_xl_letters", True)
    assert "an instruct model" in chatty["asked"]
    two = json.loads(check(model, *short, "--tasks", f"{TASK},calm_sample_xl_letters", "-o", tmp_path / "two").stdout)
    assert (two["task"], two["chat_template"], two["asked"]) == (
        TASK, False, "the text of each option was scored, without a chat template (--tasks)"
    )  # fmt: skip
    assert [x["task"] for x in two["more"]] == ["calm_sample_xl_letters"]
    assert (tmp_path / "two/check-calm_sample_xl_letters.png").is_file()


def test_fewer_questions_are_asked_where_all_would_take_too_long(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calm_ext.checkup.run.BUDGET", 1e-6)
    done = check(babel_model, "--tasks", "calm_babel_xl_mc", "--languages", "qaa,qab", "-o", tmp_path / "out", "--json")
    found = json.loads(done.stdout)
    assert found["n_questions"] == 20 < found["n_available"]
    said = f"The first 20 of {found['n_available']} questions: all would take about "
    assert any(said in warning for warning in found["warnings"])
    assert f"asking 20 of {found['n_available']} questions in 2 languages" in done.stderr


def test_progress_counts_every_option(babel_model: Path, tmp_path: Path) -> None:
    from calm_ext.checkup.run import Wishes, check_model
    from calm_ext.models.options import ModelOptions

    totals: list[int] = []
    done: list[int] = []

    def bar(total: int) -> Any:
        totals.append(total)
        return done.append

    wishes = Wishes(name="m", tasks=["calm_babel_xl_mc"], languages=["qaa", "qab"], questions=5)
    check_model(wishes, ModelOptions(path=str(babel_model), device="cpu"), tmp_path / "out", bar=bar)
    assert len(totals) == 1 and sum(done) == totals[0] == 5 * 2 * 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["./nowhere"], "model ./nowhere: no such folder; name a folder with a config.json"),
        (["org/nowhere"], "model org/nowhere: is no folder here and not in the cache, and HF_HUB_OFFLINE is set; name"),
        (["not a name"], "model not a name: is no folder here, and cannot be a name on the hub"),
        (["empty"], "model empty: has no config.json, so it is no transformers model"),
        (["adapter"], "model adapter: is an adapter; `calm-ext merge` folds"),
        (["MODEL", "--tasks", "calm_nothing"], "lm-eval has no task calm_nothing"),
        (["MODEL", "--tasks", "calm_sample_fr"], "calm_sample_fr: asks in fr only; agreement needs two languages"),
        (["MODEL", "--tasks", "calm_mc"], "calm_mc: is no task across languages"),
        (["MODEL", "--tasks", "calm_local_xl"], "`calm-ext eval --tasks calm_local_xl --metadata …` asks questions of"),
        (["MODEL", "--languages", "fr"], "--languages fr: agreement needs two languages or more"),
        (["MODEL", "--languages", "fr,xx-1"], "xx-1"),
        (["MODEL", "--languages", "fr,ko"], "ko"),
        (["MODEL", "--chat-template"], "its tokenizer has no chat template; leave out --chat-template"),
    ],
)
def test_what_cannot_be_checked_is_one_line(
    arguments: list[str], said: str, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "adapter"):
        Path(name).mkdir()
    Path("adapter/adapter_config.json").write_text("{}")
    told = error(*(str(babel_model) if x == "MODEL" else x for x in arguments), "-o", "out")
    assert said in told and "\n" not in told
    assert not Path("out").exists()
