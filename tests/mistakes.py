"""A folder as a newcomer has it, and what they type in it that cannot work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "fr", "ar")


def question(number: int, **changes: Any) -> dict[str, Any]:
    versions = {
        x: {"question": f"question {number} {x}?", "options": [f"{x} {i}" for i in range(4)]} for x in LANGUAGES
    }
    return {"id": f"q{number}", "answer": number % 4, "source_language": "en", "versions": versions} | changes


def generation(number: int, language: str, **changes: Any) -> dict[str, Any]:
    options = [f"{language} {i}" for i in range(4)]
    return {
        "id": f"q{number}", "language": language, "question": f"question {number} {language}?", "options": options,
        "responses": ["Answer: A", "Answer: B"], "prompt": "p", "answer": number % 4, "source_language": "en",
    } | changes  # fmt: skip


RECIPE = """
name: mine
model: {path: babel, dtype: float32}
data: {source: babel, languages: [qaa, qab], limit: 8}
sampling: {mode: generate, style: direct, n: 2, max_new_tokens: 3}
training: {learning_rate: 1.0e-3}
evaluation: {tasks: [calm_babel_xl], limit: 4}
"""

STUDY = """
name: mine
recipe: demo
vary: {training.beta: [0.1, 0.2]}
seeds: {training.seed: [0]}
claims: [{metric: acc, rises: true}]
"""


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def make_folder(folder: Path) -> None:
    """Good files and bad ones."""
    good = [question(i) for i in range(6)]
    generated = [generation(i, x) for i in range(6) for x in LANGUAGES]
    predicted = [{"id": f"q{i}", "answer": i % 4, "predictions": dict.fromkeys(LANGUAGES, 1)} for i in range(6)]
    recipe = RECIPE.strip() + "\n"
    files = {
        "q.jsonl": lines(*good),
        "g.jsonl": lines(*generated),
        "p.jsonl": lines(*predicted),
        "empty.jsonl": "",
        "text.txt": "not json\n",
        "cut.jsonl": lines(*good)[:-40],
        "list.jsonl": "[1, 2]\n",
        "twice.jsonl": lines(good[0], good[0]),
        "noversions.jsonl": lines({"id": "q1", "question": "Why?", "options": ["a", "b"], "answer": 0}),
        "far.jsonl": lines(question(0, answer=9)),
        "oneoption.jsonl": lines(question(0, versions={"en": {"question": "q", "options": ["a"]}})),
        "uneven.jsonl": lines(
            question(
                0,
                versions={
                    "en": {"question": "q", "options": ["a", "b"]},
                    "fr": {"question": "q", "options": ["a", "b", "c"]},
                },
            )
        ),
        "onelanguage.jsonl": lines(
            *(question(i, versions={"en": {"question": "q", "options": ["a", "b", "c", "d"]}}) for i in range(3))
        ),
        "emptyoption.jsonl": lines(question(0, versions={"en": {"question": "q", "options": ["a", " "]}})),
        "badlanguage.jsonl": lines(question(0, versions={"englishh": {"question": "q", "options": ["a", "b"]}})),
        "p7.jsonl": lines({"id": "q1", "answer": 1, "options": 5, "predictions": {"en": 7, "fr": 1}}),
        "pnone.jsonl": lines({"id": "q1", "answer": 1}),
        "pword.jsonl": lines({"id": "q1", "answer": 1, "predictions": {"en": "maybe", "fr": 1}}),
        "table.csv": "id,question,a,b\n1,Why?,x,y\n",
        "my.yaml": recipe,
        "key.yaml": recipe.replace("learning_rate", "lr"),
        "section.yaml": recipe.replace("training:", "trainin:"),
        "value.yaml": recipe.replace("1.0e-3", "fast"),
        "nodata.yaml": "name: mine\nmodel: {path: babel}\n",
        "tabs.yaml": "name: mine\nmodel:\n\tpath: babel\n",
        "list.yaml": "- name: mine\n",
        "empty.yaml": "",
        "nosource.yaml": recipe.replace("source: babel", "source: bable"),
        "notask.yaml": recipe.replace("calm_babel_xl", "calm_bable_xl"),
        "nolanguage.yaml": recipe.replace("[qaa, qab]", "[qaa, xx]"),
        "onlyone.yaml": recipe.replace("[qaa, qab]", "[qaa]"),
        "negative.yaml": recipe.replace("limit: 8", "limit: -8"),
        "study.yaml": STUDY,
        "studykey.yaml": STUDY.replace("training.beta", "training.betta"),
        "studymetric.yaml": STUDY.replace("metric: acc", "metric: acuracy"),
        "studyrecipe.yaml": STUDY.replace("recipe: demo", "recipe: demmo"),
        "studyseeds.yaml": STUDY.replace("[0]", "zero"),
        "studyclaim.yaml": STUDY.replace("rises: true", "raises: true"),
        "spec.yaml": "name: mine\n",
        "corpus.jsonl": lines({"id": "1", "text": "no language"}),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin.jsonl").write_bytes('{"id": "é"}\n'.encode("latin-1"))
    (folder / "folder").mkdir()
    (folder / "results").mkdir()
    (folder / "results/results_1.json").write_text("{}")
    os.symlink(folder / "nowhere", folder / "dangling")


#: What is typed, what the message names as its place, and what it says to do or what was expected.
CASES: list[tuple[str, str, str]] = [
    ("algin my.yaml", "no verb 'algin' (did you mean 'align'?); calm-ext --help", "did you mean 'align'?"),
    (
        "align",
        "missing argument 'RECIPE'; calm-ext align --help says what it takes",
        "calm-ext align --help says what it takes",
    ),
    ("align nosuch.yaml", "nosuch.yaml", "did you mean nosource.yaml?"),
    ("align demmo", "demmo", "did you mean 'demo'?"),
    ("align folder", "folder", "a recipe file was expected, or one of demo, demo-rag,"),
    ("align q.jsonl", "q.jsonl:2", "YAML with keys such as name: was expected, as `calm-ext recipes show"),
    ("align my.yaml --dryrun", "no such option '--dryrun' (did you mean '--dry-run'?);", "did you mean '--dry-run'?"),
    ("align my.yaml --set training.lr=1e-4", "my.yaml: training.lr", "did you mean learning_rate?"),
    (
        "align my.yaml --set training.learning_rate",
        "my.yaml",
        "--set training.learning_rate: key=value was expected, as",
    ),
    (
        "align my.yaml --set training.learning_rate=fast",
        "my.yaml: training.learning_rate",
        "a number was expected, got 'fast'",
    ),
    ("align my.yaml --set trainin.beta=1", "my.yaml: trainin", "did you mean training?"),
    ("align my.yaml --set beta=0.2", "my.yaml: beta", "did you mean training.beta? (by --set)"),
    (
        "sample q.jsonl -o new.jsonl --model babel --backend api --backend-arg base_url=http://localhost:9/v1 "
        "--accelerate-config none.yaml",
        "--accelerate-config",
        "does not go with --backend api; leave it out",
    ),
    ("check babbel", "model babbel", "did you mean 'babel'?"),
    ("align my.yaml --set training.beta=-1", "my.yaml: training.beta", "more than 0 was expected, got -1"),
    ("align my.yaml --set vote.rule=majorty", "my.yaml: vote.rule", "did you mean 'majority'?"),
    ("align my.yaml --set training.method=dpoo", "my.yaml: training.method", "did you mean 'dpo'?"),
    ("align my.yaml --set training.loss=sigmoidd", "my.yaml: training.loss", "did you mean 'sigmoid'?"),
    (
        "align my.yaml --set sampling.style=chat",
        "my.yaml: sampling.style",
        "explain, direct, open, cloze or letters was expected, got 'chat'",
    ),
    ("align my.yaml --set sampling.mode=option", "my.yaml: sampling.mode", "did you mean 'options'?"),
    ("align my.yaml --set sampling.backend=vlm", "my.yaml: sampling.backend", "did you mean 'vllm'?"),
    (
        "align my.yaml --set sampling.backend=vllm",
        "sampling.backend vllm",
        "the package vllm is not installed (pip install 'calm-ext[vllm]')",
    ),
    ("align my.yaml --set sampling.backend=api", "my.yaml: sampling.backend_args.base_url", "missing"),
    ("align my.yaml --set sampling.n=0", "my.yaml: sampling.n", "at least 1 was expected, got 0"),
    (
        "align my.yaml --set sampling.temperature=hot",
        "my.yaml: sampling.temperature",
        "a number was expected, got 'hot'",
    ),
    ("align my.yaml --set model.device=gpu", "my.yaml: model.device", "did you mean 'cuda'?"),
    ("align my.yaml --set model.device=cuda", "model.device 'cuda'", "it has cpu"),
    ("align my.yaml --set model.dtype=fp16", "my.yaml: model.dtype", "did you mean 'float16'?"),
    ("align my.yaml --set model.path=models/none", "my.yaml: model.path", "no such folder: models/none"),
    (
        "align my.yaml --set model.path=Qwen/None",
        "model Qwen/None",
        "name a folder with a config.json, a model of the Hugging Face hub as",
    ),
    ("align my.yaml --set training.quantize=8bit", "my.yaml: training.quantize", "did you mean '4bit'?"),
    ("align my.yaml --set training.report_to=[wandbb]", "my.yaml: training.report_to.0", "did you mean 'wandb'?"),
    (
        "align my.yaml --set evaluation.tasks=[calm_xcqa_xl]",
        "my.yaml: evaluation.tasks",
        "did you mean 'calm_xcsqa_xl'?",
    ),
    ("align my.yaml --set evaluation.tasks=[]", "my.yaml: evaluation.tasks", "needs at least 1 items, has 0"),
    (
        "align my.yaml --set data.languages=[qaa,qaz]",
        "my.yaml: data.languages",
        "`calm-ext languages` lists those with cue words",
    ),
    ("align my.yaml --set data.source=xcqa", "my.yaml: data.source", "did you mean 'xcsqa'?"),
    ("align my.yaml --set data.split=tset", "my.yaml: data.split", "did you mean 'test'?"),
    ("align my.yaml --set data.source=local", "my.yaml: data.path", "missing, data.source is local"),
    (
        "align my.yaml --set data.source=local --set data.path=none.jsonl",
        "my.yaml: data.path",
        "no such file: none.jsonl",
    ),
    (
        "align my.yaml --set launch.accelerate_config=none.yaml",
        "my.yaml: launch.accelerate_config",
        "no such file: none.yaml",
    ),
    ("align my.yaml --stop-after training", "invalid value for '--stop-after'", "did you mean 'train'?"),
    (
        "align my.yaml --stop-after retrieve",
        "this recipe has no stage 'retrieve'; it has questions,",
        "it has questions, before, sample, vote, pairs, train, after, report",
    ),
    ("align my.yaml --run q.jsonl", "q.jsonl", "is a file, a run directory was expected"),
    ("align my.yaml --run results", "results", "give another --run directory"),
    ("align key.yaml", "key.yaml: training.lr", "did you mean learning_rate?"),
    ("align section.yaml", "section.yaml: trainin", "did you mean training?"),
    ("align value.yaml", "value.yaml: training.learning_rate", "a number was expected, got 'fast'"),
    ("align tabs.yaml", "tabs.yaml:3", "not YAML (found character '\\t' that cannot start any token)"),
    ("align list.yaml", "list.yaml", "YAML with keys such as name: was expected, as `calm-ext recipes show"),
    ("align empty.yaml", "empty.yaml", "YAML with keys such as name: was expected, as `calm-ext recipes show"),
    ("align nosource.yaml", "nosource.yaml: data.source", "did you mean 'babel'?"),
    ("align notask.yaml", "notask.yaml: evaluation.tasks", "did you mean 'calm_babel_xl'?"),
    ("align nolanguage.yaml", "nolanguage.yaml: data.languages", "`calm-ext languages` lists those with cue words"),
    ("align onlyone.yaml", "onlyone.yaml: data.languages", "needs at least 2 items, has 1"),
    ("align negative.yaml", "negative.yaml: data.limit", "at least 1 was expected, got -8"),
    ("align text.txt", "text.txt", "YAML with keys such as name: was expected, as `calm-ext recipes show"),
    ("recipes validate key.yaml", "key.yaml: training.lr", "did you mean learning_rate?"),
    ("recipes validate nosource.yaml", "nosource.yaml: data.source", "did you mean 'babel'?"),
    ("recipes validate notask.yaml", "notask.yaml: evaluation.tasks", "did you mean 'calm_babel_xl'?"),
    ("recipes validate nosuch.yaml", "nosuch.yaml", "did you mean nosource.yaml?"),
    ("recipes show nosuch", "nosuch", "these come along: demo, demo-rag, klar-gemma-270m, llama,"),
    ("recipes cp demmo", "demmo", "did you mean 'demo'?"),
    ("recipes cp demo my.yaml", "my.yaml", "name another target"),
    ("study nosuch.yaml", "nosuch.yaml", "did you mean nosource.yaml?"),
    ("study studykey.yaml", "studykey.yaml: training.betta", "did you mean beta?"),
    ("study studymetric.yaml", "studymetric.yaml: claims.0.metric", "did you mean 'acc', accuracy?"),
    ("study studyrecipe.yaml", "demmo", "did you mean 'demo'?"),
    ("study studyseeds.yaml", "studyseeds.yaml: seeds.training.seed", "a list was expected, got 'zero'"),
    ("study studyclaim.yaml", "studyclaim.yaml: claims.0.raises", "did you mean rises?"),
    ("study study.yaml --jobs 0", "invalid value for '--jobs'", "calm-ext study --help says what it takes"),
    ("study my.yaml", "my.yaml", "`calm-ext align my.yaml` runs it"),
    (
        "tune my.yaml --try training.learning_rat=1e-4",
        "--try training.learning_rat",
        "`calm-ext recipes show` prints those it has",
    ),
    ("tune my.yaml --try vote.rule=majority", "--try vote.rule", "compare its values with `calm-ext study`"),
    ("tune my.yaml --try training.beta", "--try training.beta", "calm-ext tune --help says what it takes"),
    ("tune nosuch.yaml", "nosuch.yaml", "did you mean nosource.yaml?"),
    (
        "sample",
        "missing argument 'QUESTIONS'; calm-ext sample --help says",
        "calm-ext sample --help says what it takes",
    ),
    ("sample nosuch.jsonl -o out.jsonl --model babel", "nosuch.jsonl", "no such file"),
    (
        "sample q.jsonl -o out.jsonl",
        "missing option '--model'; calm-ext sample --help says what it takes",
        "calm-ext sample --help says what it takes",
    ),
    (
        "sample q.jsonl --model babel",
        "missing option '-o' / '--output'; calm-ext sample --help",
        "calm-ext sample --help says what it takes",
    ),
    (
        "sample g.jsonl -o out.jsonl --model babel",
        "g.jsonl:1",
        "questions were expected: `calm-ext data prepare` makes them",
    ),
    (
        "sample p.jsonl -o out.jsonl --model babel",
        "p.jsonl:1",
        "questions were expected: `calm-ext data prepare` makes them",
    ),
    (
        "sample empty.jsonl -o out.jsonl --model babel",
        "empty.jsonl",
        "questions were expected: `calm-ext data prepare` makes them",
    ),
    (
        "sample cut.jsonl -o out.jsonl --model babel",
        "cut.jsonl:6",
        "not a JSON object: Unterminated string starting at column 268 (the",
    ),
    ("sample list.jsonl -o out.jsonl --model babel", "list.jsonl:1", "one JSON object a line was expected"),
    (
        "sample text.txt -o out.jsonl --model babel",
        "text.txt:1",
        "it looks like text, and one JSON object a line was expected",
    ),
    ("sample twice.jsonl -o out.jsonl --model babel", "twice.jsonl", "the id 'q0' comes twice"),
    (
        "sample noversions.jsonl -o out.jsonl --model babel",
        "noversions.jsonl:1",
        'one object with all languages was expected, as {"id": "q1", "answer":',
    ),
    ("sample far.jsonl -o out.jsonl --model babel", "far.jsonl:1", "answer 9 is not one of the 4 options (0 to 3)"),
    (
        "sample oneoption.jsonl -o out.jsonl --model babel",
        "oneoption.jsonl:1: versions.en.options",
        "needs at least 2 items, has 1",
    ),
    (
        "sample uneven.jsonl -o out.jsonl --model babel",
        "uneven.jsonl:1",
        "the languages have different numbers of options: {'en': 2, 'fr': 3}",
    ),
    ("sample emptyoption.jsonl -o out.jsonl --model babel", "emptyoption.jsonl:1: versions.en", "option 1 is empty"),
    ("sample badlanguage.jsonl -o out.jsonl --model babel", "badlanguage.jsonl:1", "did you mean 'en'?"),
    ("sample latin.jsonl -o out.jsonl --model babel", "latin.jsonl:1", "save it as UTF-8"),
    ("sample q.jsonl -o folder --model babel", "folder", "name a file in it"),
    ("sample q.jsonl -o q.jsonl --model babel", "q.jsonl", "name another output"),
    (
        "sample q.jsonl -o out.jsonl --model models/none",
        "--model models/none",
        "name a folder with a config.json, a model of the Hugging Face hub as",
    ),
    (
        "sample q.jsonl -o out.jsonl --model babel --languages en,xx",
        "no such option '--languages' (did you mean '--passages'?);",
        "did you mean '--passages'?",
    ),
    (
        "sample q.jsonl -o out.jsonl --model babel --style chat",
        "invalid value for '--style'",
        "calm-ext sample --help says what it takes",
    ),
    (
        "sample q.jsonl -o out.jsonl --model babel -n 0",
        "invalid value for '-n'",
        "calm-ext sample --help says what it takes",
    ),
    ("sample q.jsonl -o out.jsonl --model babel --device gpu", "--device", "did you mean 'cuda'?"),
    (
        "sample q.jsonl -o out.jsonl --model babel --backend none",
        "invalid value for '--backend'",
        "calm-ext sample --help says what it takes",
    ),
    ("vote q.jsonl -o b.jsonl", "q.jsonl:1", "generations were expected: `calm-ext sample` makes them"),
    ("vote p.jsonl -o b.jsonl", "p.jsonl:1", "generations were expected: `calm-ext sample` makes them"),
    ("vote nosuch.jsonl -o b.jsonl", "nosuch.jsonl", "no such file"),
    ("vote empty.jsonl -o b.jsonl", "empty.jsonl", "generations were expected: `calm-ext sample` makes them"),
    ("vote g.jsonl -o b.jsonl --rule majorty", "invalid value for '--rule'", "did you mean 'majority'?"),
    (
        "vote g.jsonl -o b.jsonl --keep-share 2",
        "invalid value for '--keep-share'",
        "calm-ext vote --help says what it takes",
    ),
    ("vote g.jsonl -o g.jsonl", "g.jsonl", "name another output"),
    ("pairs g.jsonl g.jsonl -o out.jsonl", "g.jsonl:1", "ballots were expected: `calm-ext vote` makes them"),
    ("pairs q.jsonl g.jsonl -o out.jsonl", "q.jsonl:1", "ballots were expected: `calm-ext vote` makes them"),
    ("pairs nosuch.jsonl g.jsonl -o out.jsonl", "nosuch.jsonl", "no such file"),
    (
        "pairs g.jsonl",
        "missing argument 'GENERATIONS'; calm-ext pairs --help says",
        "calm-ext pairs --help says what it takes",
    ),
    ("train q.jsonl -o out --model babel", "q.jsonl:1", "pairs were expected: `calm-ext pairs` makes them"),
    ("train nosuch.jsonl -o out --model babel", "nosuch.jsonl", "no such file"),
    ("train empty.jsonl -o out --model babel", "empty.jsonl", "pairs were expected: `calm-ext pairs` makes them"),
    ("train g.jsonl -o out --model babel --set lr=1", "--set: lr", "did you mean learning_rate?"),
    (
        "eval --tasks calm_babel_xl -o out",
        "missing option '--model'; calm-ext eval --help says what it takes",
        "calm-ext eval --help says what it takes",
    ),
    (
        "eval --model babel -o out",
        "missing option '--tasks'; calm-ext eval --help says what it takes",
        "calm-ext eval --help says what it takes",
    ),
    ("eval --model babel --tasks calm_bable_xl -o out", "--tasks", "did you mean 'calm_babel_xl'?"),
    (
        "eval --model models/none --tasks calm_babel_xl -o out",
        "--model models/none",
        "name a folder with a config.json, a model of the Hugging Face hub as",
    ),
    (
        "eval --model babel --tasks calm_babel_xl -o out --limit 0",
        "invalid value for '--limit'",
        "calm-ext eval --help says what it takes",
    ),
    (
        "eval --model babel --tasks calm_babel_xl -o out --metadata {langs:[en]}",
        "--metadata is not JSON (Expecting property name enclosed in",
        "double quotes)",
    ),
    (
        "eval --model babel --tasks calm_local_xl -o out",
        "tasks calm_local_xl* ask your own questions",
        '--metadata \'{"path": …}\', or "spec", names them',
    ),
    ("eval --model babel --tasks calm_babel_xl -o q.jsonl", "q.jsonl", "name another one"),
    (
        "eval --model babel --tasks calm_babel_xl -o out --adapter folder",
        "--adapter folder",
        "has no adapter_config.json, a PEFT adapter folder was expected",
    ),
    ("eval --model babel --tasks calm_babel_xl -o out --device gpu", "--device", "did you mean 'cuda'?"),
    (
        "metrics",
        "missing argument 'FILE…'; calm-ext metrics --help says what it takes",
        "calm-ext metrics --help says what it takes",
    ),
    ("metrics nosuch.jsonl", "nosuch.jsonl", "no such file or directory"),
    ("metrics folder", "folder", "run lm_eval with --log_samples --output_path"),
    ("metrics empty.jsonl", "empty.jsonl", "predictions were expected: `calm-ext metrics --help` shows a line"),
    ("metrics p7.jsonl", "p7.jsonl:1", "predictions.en 7 is not one of the 5 options (0 to 4)"),
    ("metrics pnone.jsonl", "pnone.jsonl:1", 'a line to score is {"id": "q1", "answer": 2, "predictions": {"en": 2,'),
    (
        "metrics pword.jsonl",
        "pword.jsonl:1: predictions.en",
        "the number of an option (0, 1, …), its letter or null was expected,",
    ),
    ("metrics table.csv", "table.csv:1", "it looks like a table, and one JSON object a line was expected"),
    ("metrics q.jsonl", "q.jsonl:1", "`calm-ext eval` or `lm_eval --log_samples` answers them"),
    ("metrics p.jsonl --task none", "p.jsonl", "is of p by its name, and --task asks for none"),
    ("metrics p.jsonl --resamples 3", "invalid value for '--resamples'", "calm-ext metrics --help says what it takes"),
    ("metrics p.jsonl --cluster doc.link", "p.jsonl:1", "write --cluster 'id:PATTERN'"),
    (
        "compare p.jsonl",
        "missing argument 'AFTER'; calm-ext compare --help says what it takes",
        "calm-ext compare --help says what it takes",
    ),
    ("compare p.jsonl nosuch.jsonl", "nosuch.jsonl", "no such file or directory"),
    ("compare p.jsonl q.jsonl", "q.jsonl:1", "`calm-ext eval` or `lm_eval --log_samples` answers them"),
    ("compare p.jsonl p.jsonl p.jsonl", "p.jsonl", "calm-ext compare --help says what it takes"),
    ("compare folder folder", "folder", "run lm_eval with --log_samples --output_path"),
    (
        "leaderboard",
        "missing argument 'RESULTS…'; calm-ext leaderboard --help",
        "calm-ext leaderboard --help says what it takes",
    ),
    ("leaderboard nosuch", "nosuch", "no such file or directory"),
    (
        "leaderboard folder",
        "no results of calm tasks found in folder; lm_eval",
        "lm_eval --output_path DIR --log_samples writes them",
    ),
    (
        "leaderboard results",
        "no results of calm tasks found in results; 1 results files",
        "lm_eval --output_path DIR --log_samples writes them (left out:",
    ),
    (
        "leaderboard results --sort acuracy",
        "no metric 'acuracy' (did you mean 'acc', accuracy?); there",
        "did you mean 'acc', accuracy?",
    ),
    (
        "view",
        "missing argument 'PATH…'; calm-ext view --help says what it takes",
        "calm-ext view --help says what it takes",
    ),
    ("view nosuch", "nosuch", "no such file or directory"),
    (
        "view folder",
        "no results of calm tasks found in folder; lm_eval",
        "lm_eval --output_path DIR --log_samples writes them",
    ),
    ("report nosuch", "nosuch", "`calm-ext align` makes one"),
    ("report folder", "folder", "`calm-ext align` makes one"),
    ("explain folder", "folder", "`calm-ext align` makes one"),
    ("merge folder -o out", "folder", "`calm-ext align` makes one"),
    ("merge nosuch -o out", "nosuch", "no such run directory or adapter folder"),
    ("push folder --repo me/x --dry-run", "folder", "`calm-ext align` makes one"),
    (
        "push folder",
        "missing option '--repo'; calm-ext push --help says what it takes",
        "calm-ext push --help says what it takes",
    ),
    (
        "check models/none",
        "model models/none",
        "name a folder with a config.json, a model of the Hugging Face hub as",
    ),
    ("check folder", "model folder", "name a folder with a config.json, a model of the Hugging Face hub as"),
    ("check babel --questions 0", "invalid value for '--questions'", "calm-ext check --help says what it takes"),
    ("check babel --tasks calm_nothing", "--tasks", "did you mean 'calm_open'?"),
    ("data check nothing", "nothing", "`calm-ext data ls` lists sources"),
    (
        "data prepare nothing -o out.jsonl",
        "no data source 'nothing'; there are arc, babel, belebele,",
        "there are arc, babel, belebele, bmlama17, bmlama53, columns,",
    ),
    (
        "data prepare sample",
        "missing option '-o' / '--output'; calm-ext data prepare",
        "calm-ext data prepare --help says what it takes",
    ),
    (
        "data prepare sample -o out.jsonl --languages en,xx",
        "data source sample has no xx; it has en, zh, fr, de, it,",
        "it has en, zh, fr, de, it, ja, es, pt, ru, ar",
    ),
    (
        "data prepare medqa -o out.jsonl",
        "https://raw.githubusercontent.com/wangym2/CALM/main/data/med",
        "copy the data here and name its folder by --data-dir or",
    ),
    ("data check spec.yaml", "spec.yaml: question", "languages: missing"),
    (
        "data import-generations text.txt -o out.jsonl",
        "the files are to be all .jsonl (lm-eval's samples) or all",
        "son (the paper's)",
    ),
    (
        "index build corpus.jsonl -o index",
        "corpus.jsonl:1: language",
        'a line is {"id": "p1", "language": "en", "text": "…"}',
    ),
    ("index build nosuch.jsonl -o index", "nosuch.jsonl", "no such file"),
    ("index search folder question", "folder", "is not an index: it has no index.json"),
    ("index show folder", "folder", "is not an index: it has no index.json"),
    ("index passages folder q.jsonl -o out.jsonl", "folder", "is not an index: it has no index.json"),
    (
        "languages --nothing",
        "no such option '--nothing'; calm-ext languages --help says",
        "calm-ext languages --help says what it takes",
    ),
]
