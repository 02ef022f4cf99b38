"""The command line as a stranger types it: help, one clear line for each mistake, stages as verbs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calm_ext.cli.main import VERBS
from tests.shell import calm, calm_process


def test_help_names_every_verb() -> None:
    shown = calm_process("--help")
    for verb, (_, text) in VERBS.items():
        assert verb in shown.stdout
        assert text.split()[0] in shown.stdout


GENERATION = '{"id":"q","language":"en","question":"?","options":["a","b"],"prompt":"?","responses":["a"]}\n'
BALLOT = '{"id":"q","winner":0,"margin":1.0,"votes":{"en":[0]},"weights":{"en":1.0}}\n'


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    from click.testing import CliRunner

    from calm_ext.cli.main import cli

    shown = CliRunner().invoke(cli, [verb, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 4


RECIPE = "name: x\nmodel: {path: babel}\ndata: {source: babel}\nevaluation: {tasks: [calm_babel_xl]}\n"


@pytest.mark.parametrize(
    ("arguments", "files", "said"),
    [
        (["align", "nope.yaml"], {}, "no such recipe file"),
        (["study", "nope.yaml"], {}, "nope.yaml: no such study file; these come along: crossval-klar, crossval-xcsqa"),
        (["study", "s.yaml"], {"s.yaml": "name: s\nrecipe: demo\nclaims: [{metric: acc, over: vote.rule}]\n"},
         "claims.0: a claim is one of"),
        (["align", "r.yaml"], {"r.yaml": RECIPE + "trainig: {beta: 1}\n"}, "trainig: unknown key; did you mean training?"),
        (["align", "r.yaml", "--set", "training.beta=x"], {"r.yaml": RECIPE}, "training.beta: "),
        (["align", "r.yaml", "--set", "data.languages=[qaa, xx]"], {"r.yaml": RECIPE}, "no language 'xx'"),
        (["align", "r.yaml", "--set", "model.path=./m"], {"r.yaml": RECIPE}, "model.path: no such folder: ./m"),
        (["align", "r.yaml", "--run", "other"], {"r.yaml": RECIPE, "other/manifest.json": '{"name": "y", "stages": {}}'},
         "holds a run of recipe 'y'"),
        (["vote", "g.jsonl"], {}, "g.jsonl: no such file"),
        (["vote", "g.jsonl"], {"g.jsonl": ""}, "g.jsonl: is empty; generations were expected"),
        (["vote", "g.jsonl"], {"g.jsonl": '{"id": "q", "lang'}, "g.jsonl:1: not a JSON object"),
        (["vote", "g.jsonl", "--ties", "pivot"], {"g.jsonl": '{"id":"q","language":"en","question":"?","options":["a","b"],'
         '"prompt":"?","responses":["a"]}\n'}, "--ties pivot needs --pivot"),
        (["vote", "g.jsonl"], {"g.jsonl": GENERATION.replace('["a"]', '["a", 3]')}, "g.jsonl:1: responses.1: a text was expected"),
        (["vote", "g.jsonl"], {"g.jsonl": GENERATION.replace('"en"', '"xx"')}, "g.jsonl:1: unknown language 'xx'"),
        (["vote", "g.jsonl"], {"g.jsonl": GENERATION * 2}, "g.jsonl:2: question q comes twice in en"),
        (["vote", "g.jsonl", "--weight", "ja=2"], {"g.jsonl": GENERATION}, "no votes in ja, which has a weight"),
        (["vote", "g.jsonl", "--weight", "en=nan"], {"g.jsonl": GENERATION}, "a weight is a number, 0 or more"),
        (["vote", "g.jsonl", "--weight", "en=0"], {"g.jsonl": GENERATION}, "all languages have weight 0"),
        (["vote", "g.jsonl", "-o", "g.jsonl"], {"g.jsonl": GENERATION}, "g.jsonl: is also what is read"),
        (["vote", "g.jsonl", "-o", "d"], {"g.jsonl": GENERATION, "d/x": ""}, "d: is a directory, a file was to be written"),
        (["vote", "g.jsonl"], {"g.jsonl": GENERATION.replace('["a"]', '["\\ud83d"]')}, "g.jsonl:1: has half a character"),
        (["vote", "g.jsonl"], {"g.jsonl": GENERATION.replace('["a","b"]', '["a",""]')}, "g.jsonl:1: an option is empty"),
        (["vote", "g.jsonl", "--rule", "zscore"], {"g.jsonl": GENERATION}, "needs option_logprobs"),
        (["pairs", "b.jsonl", "g.jsonl"], {"g.jsonl": "{}\n"}, "b.jsonl: no such file"),
        (["pairs", "b.jsonl", "g.jsonl"], {"b.jsonl": BALLOT, "g.jsonl": "{}\n"}, "g.jsonl:1: id: missing"),
        (["pairs", "b.jsonl", "g.jsonl"], {"b.jsonl": BALLOT.replace('"q"', '"z"'), "g.jsonl": GENERATION},
         "b.jsonl:1: there are no generations of question z in en"),
        (["pairs", "b.jsonl", "g.jsonl", "--fallback", "translate"], {"b.jsonl": BALLOT, "g.jsonl": GENERATION},
         "--translator FOLDER go together"),
        (["pairs", "b.jsonl", "g.jsonl", "--fallback", "translate", "--translator", "org/m"],
         {"b.jsonl": BALLOT, "g.jsonl": GENERATION}, "org/m: no model folder"),
        (["data", "import-generations", "x.json", "-o", "g.jsonl"], {"x.json": "[]"}, "the language must be in the name of the file"),
        (["data", "import-generations", "x_en.json", "-o", "g.jsonl"], {"x_en.json": "[]"}, "x_en.json: no generations were found"),
        (["data", "import-generations", "x_en.json", "-o", "g.jsonl", "--source-language", "zhh"], {"x_en.json": "[]"}, "did you mean 'zh'"),
        (["data", "import-generations", "x_en.json", "-o", "g.jsonl"], {"x_en.json": '[{"input": "?\\nA. a\\nB. b", "output": "A", "pred": ["A"]}]'},
         "row 1: instruction is missing"),
        (["pairs", "b.jsonl", "g.jsonl", "-o", "dataset_info.json", "--format", "llamafactory"],
         {"b.jsonl": BALLOT, "g.jsonl": GENERATION}, "call the pairs otherwise"),
        (["data", "import-generations", "x.json", "y.jsonl", "-o", "g.jsonl"], {"x.json": "[]", "y.jsonl": ""},
         "all .jsonl (lm-eval's samples) or all .json"),
        (["data", "import-generations", "nope", "-o", "g.jsonl"], {}, "nope: no such file or directory"),
        (["data", "import-generations", "gemma-it.json", "-o", "g.jsonl"], {"gemma-it.json": "[]"}, "given by --language CODE"),
        (["data", "import-generations", "x_en.json", "-o", "g.jsonl"], {"x_en.json": "[]", "g.jsonl": "mine"}, "--force replaces it"),
        (["train", "p.jsonl", "-o", "t", "--model", "m"], {"p.jsonl": "{}\n"}, "p.jsonl:1: id: missing"),
        (["train", "p.jsonl", "-o", "t", "--model", "m", "--set", "bet=1"], {"p.jsonl": ""}, "bet: "),
        (["sample", "q.jsonl", "-o", "g.jsonl", "--model", "./m"], {"q.jsonl": "[1]\n"}, "q.jsonl:1: not a JSON object"),
        (["report", "."], {}, "is no run directory"),
        (["leaderboard", "."], {}, "error: "),
        (["data", "prepare", "nope", "-o", "q.jsonl"], {}, "no data source 'nope'"),
        (["data", "prepare", "sample", "-o", "q.jsonl"], {"q.jsonl": "mine"}, "q.jsonl: exists; --force replaces it"),
        (["data", "prepare", "sample", "-o", "q.jsonl", "--languages", "en,en"], {}, "language en is listed twice"),
        (["data", "prepare", "xcsqa", "-o", "q.jsonl", "--split", "dev"], {}, "data source xcsqa has no split 'dev'"),
        (["data", "check", "xcspa"], {}, "xcspa: neither a data source (did you mean 'xcsqa'?) nor a file; `calm-ext data"),
        (["metrics", "p.jsonl"], {}, "p.jsonl: no such file"),
        (["metrics", "p.jsonl"], {"p.jsonl": '{"id": "q", "predictions": {"en": 1, "en": 2}}\n'}, "the key 'en' comes twice"),
        (["metrics", "."], {}, "has no samples_*.jsonl; run lm_eval with --log_samples"),
        (["compare", "a.jsonl", "b.jsonl"], {"a.jsonl": '{"id": "q1", "predictions": {"en": 1, "fr": 1}}\n',
         "b.jsonl": '{"id": "q2", "predictions": {"en": 1, "fr": 1}}\n'}, "only in a.jsonl: q1; only in b.jsonl: q2"),
        (["recipes", "show", "nope"], {}, "these come along: demo"),
        (["recipes", "cp", "demo", "r.yaml"], {"r.yaml": "mine"}, "was left alone"),
        (["aling"], {}, "did you mean 'align'?"),
        (["eval", "--model", "m", "--tasks", "t", "-o", "o", "--metadata", "{"], {}, "--metadata is not JSON"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_2(
    arguments: list[str], files: dict[str, str], said: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    code, _, told = calm(*arguments, cwd=tmp_path)
    assert code == 2, told
    assert said in told
    assert "Traceback" not in told
    for name, text in files.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text, "nothing is overwritten"


def test_stages_are_verbs_with_files_in_and_out(babel_model: Path, tmp_path: Path) -> None:
    model = str(babel_model)
    steps = [
        ["data", "prepare", "babel", "--split", "train", "--languages", "qaa,qab,qac", "--limit", "24", "-o", "q.jsonl"],
        ["sample", "q.jsonl", "-o", "g.jsonl", "--model", model, "--style", "direct", "-n", "4", "--max-new-tokens", "3",
         "--dtype", "float32", "--batch-size", "64"],
        ["vote", "g.jsonl", "-o", "b.jsonl", "--style", "direct", "--json"],
        ["pairs", "b.jsonl", "g.jsonl", "-o", "p.jsonl", "--style", "direct", "--json"],
        ["train", "p.jsonl", "-o", "t", "--model", model, "--set", "batch_size=16", "--set", "dtype=float32",
         "--heldout", "q.jsonl", "--heldout-generations", "g.jsonl", "--style", "direct"],
        ["eval", "--model", model, "--adapter", "t/adapter", "--tasks", "calm_babel_xl_mc", "-o", "e", "--limit", "4",
         "--dtype", "float32", "--json"],
    ]  # fmt: skip
    out = {}
    for step in steps:
        done = calm(*step, cwd=tmp_path)
        assert done.returncode == 0, (step, done.stderr[-2000:])
        out[step[0]] = done.stdout
        if step[0] == "eval":  # on stderr, where --json leaves stdout to the numbers
            assert "results and samples are in e; look at every answer: calm-ext view e" in done.stderr
    vote = json.loads(out["vote"])
    assert vote["n_questions"] == 24
    assert vote["rule"] == "correlated"
    assert vote["sources"] == ["qaa"]
    assert set(vote["languages"]["qaa"]) == {"accuracy", "agreement", "weight"}
    assert set(vote["precision_at_coverage"]) == {"0.5", "0.6", "0.7", "0.8", "0.9", "1.0"}
    assert json.loads(out["pairs"])["n_pairs"] == sum(1 for _ in (tmp_path / "p.jsonl").open())
    assert json.loads(out["eval"])["calm_babel_xl_mc"]["sample_len"] == 4


def test_a_dry_run_and_json_heed_stop_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(RECIPE)
    stop = ["align", "r.yaml", "--stop-after", "questions", "--json"]
    plan = json.loads(calm(*stop, "--dry-run").stdout)["plan"]
    assert [stage["name"] for stage in plan] == ["questions"]
    found = json.loads(calm(*stop).stdout)
    assert (found["stopped_after"], found["ran"]) == ("questions", ["questions"])
