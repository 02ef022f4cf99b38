"""A folder as a newcomer has it, and what they type in it that cannot work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "fr", "ar")


def question(number: int, **changes: Any) -> dict[str, Any]:
    versions = {x: {"question": f"question {number} {x}?", "options": [f"{x} {i}" for i in range(4)]} for x in LANGUAGES}
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
            question(0, versions={"en": {"question": "q", "options": ["a", "b"]}, "fr": {"question": "q", "options": ["a", "b", "c"]}})
        ),
        "onelanguage.jsonl": lines(*(question(i, versions={"en": {"question": "q", "options": ["a", "b", "c", "d"]}}) for i in range(3))),
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
    (folder / "latin.jsonl").write_bytes("{\"id\": \"é\"}\n".encode("latin-1"))
    (folder / "folder").mkdir()
    (folder / "results").mkdir()
    (folder / "results/results_1.json").write_text("{}")
    os.symlink(folder / "nowhere", folder / "dangling")


CASES: list[tuple[str, str, str]] = [(line, "", "") for line in """
algin my.yaml
align
align nosuch.yaml
align demmo
align folder
align q.jsonl
align my.yaml --dryrun
align my.yaml --set training.lr=1e-4
align my.yaml --set training.learning_rate
align my.yaml --set training.learning_rate=fast
align my.yaml --set trainin.beta=1
align my.yaml --set training.beta=-1
align my.yaml --set vote.rule=majorty
align my.yaml --set training.method=dpoo
align my.yaml --set training.loss=sigmoidd
align my.yaml --set sampling.style=chat
align my.yaml --set sampling.mode=option
align my.yaml --set sampling.backend=vlm
align my.yaml --set sampling.backend=vllm
align my.yaml --set sampling.backend=api
align my.yaml --set sampling.n=0
align my.yaml --set sampling.temperature=hot
align my.yaml --set model.device=gpu
align my.yaml --set model.device=cuda
align my.yaml --set model.dtype=fp16
align my.yaml --set model.path=models/none
align my.yaml --set model.path=Qwen/None
align my.yaml --set training.quantize=8bit
align my.yaml --set training.report_to=[wandbb]
align my.yaml --set evaluation.tasks=[calm_xcqa_xl]
align my.yaml --set evaluation.tasks=[]
align my.yaml --set data.languages=[qaa,qaz]
align my.yaml --set data.source=xcqa
align my.yaml --set data.split=tset
align my.yaml --set data.source=local
align my.yaml --set data.source=local --set data.path=none.jsonl
align my.yaml --set retrieval.index=none
align my.yaml --set training.accelerate_config=none.yaml
align my.yaml --stop-after training
align my.yaml --stop-after retrieve
align my.yaml --run q.jsonl
align my.yaml --run results
align key.yaml
align section.yaml
align value.yaml
align nodata.yaml
align tabs.yaml
align list.yaml
align empty.yaml
align nosource.yaml
align notask.yaml
align nolanguage.yaml
align onlyone.yaml
align negative.yaml
align text.txt
recipes validate key.yaml
recipes validate nosource.yaml
recipes validate notask.yaml
recipes validate nosuch.yaml
recipes show nosuch
recipes cp demmo
recipes cp demo my.yaml
study nosuch.yaml
study studykey.yaml
study studymetric.yaml
study studyrecipe.yaml
study studyseeds.yaml
study studyclaim.yaml
study study.yaml --jobs 0
study my.yaml
tune my.yaml --try training.learning_rat=1e-4
tune my.yaml --try vote.rule=majority
tune my.yaml --try training.beta
tune nosuch.yaml
sample
sample nosuch.jsonl -o out.jsonl --model babel
sample q.jsonl -o out.jsonl
sample q.jsonl --model babel
sample g.jsonl -o out.jsonl --model babel
sample p.jsonl -o out.jsonl --model babel
sample empty.jsonl -o out.jsonl --model babel
sample cut.jsonl -o out.jsonl --model babel
sample list.jsonl -o out.jsonl --model babel
sample text.txt -o out.jsonl --model babel
sample twice.jsonl -o out.jsonl --model babel
sample noversions.jsonl -o out.jsonl --model babel
sample far.jsonl -o out.jsonl --model babel
sample oneoption.jsonl -o out.jsonl --model babel
sample uneven.jsonl -o out.jsonl --model babel
sample emptyoption.jsonl -o out.jsonl --model babel
sample badlanguage.jsonl -o out.jsonl --model babel
sample latin.jsonl -o out.jsonl --model babel
sample q.jsonl -o folder --model babel
sample q.jsonl -o q.jsonl --model babel
sample q.jsonl -o out.jsonl --model models/none
sample q.jsonl -o out.jsonl --model babel --languages en,xx
sample q.jsonl -o out.jsonl --model babel --style chat
sample q.jsonl -o out.jsonl --model babel -n 0
sample q.jsonl -o out.jsonl --model babel --device gpu
sample q.jsonl -o out.jsonl --model babel --backend none
vote q.jsonl -o b.jsonl
vote p.jsonl -o b.jsonl
vote nosuch.jsonl -o b.jsonl
vote empty.jsonl -o b.jsonl
vote g.jsonl -o b.jsonl --rule majorty
vote g.jsonl -o b.jsonl --keep-share 2
vote g.jsonl -o g.jsonl
vote g.jsonl
pairs g.jsonl g.jsonl -o out.jsonl
pairs q.jsonl g.jsonl -o out.jsonl
pairs nosuch.jsonl g.jsonl -o out.jsonl
pairs g.jsonl
train q.jsonl -o out --model babel
train nosuch.jsonl -o out --model babel
train empty.jsonl -o out --model babel
train g.jsonl -o out --model babel --set lr=1
eval --tasks calm_babel_xl -o out
eval --model babel -o out
eval --model babel --tasks calm_bable_xl -o out
eval --model models/none --tasks calm_babel_xl -o out
eval --model babel --tasks calm_babel_xl -o out --limit 0
eval --model babel --tasks calm_babel_xl -o out --metadata {langs:[en]}
eval --model babel --tasks calm_local_xl -o out
eval --model babel --tasks calm_babel_xl -o q.jsonl
eval --model babel --tasks calm_babel_xl -o out --adapter folder
eval --model babel --tasks calm_babel_xl -o out --device gpu
metrics
metrics nosuch.jsonl
metrics folder
metrics empty.jsonl
metrics p7.jsonl
metrics pnone.jsonl
metrics pword.jsonl
metrics table.csv
metrics q.jsonl
metrics p.jsonl --task none
metrics p.jsonl --resamples 3
metrics p.jsonl --cluster doc.link
compare p.jsonl
compare p.jsonl nosuch.jsonl
compare p.jsonl q.jsonl
compare p.jsonl p.jsonl p.jsonl
compare folder folder
leaderboard
leaderboard nosuch
leaderboard folder
leaderboard results
leaderboard results --sort acuracy
view
view nosuch
view folder
report nosuch
report folder
explain folder
merge folder -o out
merge nosuch -o out
push folder --repo me/x --dry-run
push folder
check models/none
check folder
check babel --questions 0
check babel --tasks calm_nothing
data check nothing
data prepare nothing -o out.jsonl
data prepare sample
data prepare sample -o out.jsonl --languages en,xx
data prepare medqa -o out.jsonl
data check spec.yaml
data import-generations text.txt -o out.jsonl
index build corpus.jsonl -o index
index build nosuch.jsonl -o index
index search folder question
index show folder
index passages folder q.jsonl -o out.jsonl
languages --nothing
babel
""".strip().splitlines()]
