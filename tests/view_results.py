"""Results to view: hostile names and texts, a run, a model without samples, a second task."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TASK, OTHER = "calm_medqa_xl", "calm_other_xl"
# Each would run if it were ever taken for markup: as an element, out of an attribute, or out of a script.
HOSTILE = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 2</script>",
    '<img src=x onerror="window.hit = 3">',
    "\"'`);window.hit = 4//",
    "\u202eright to left\u2066\u200f \u2028 \u2029",
    "${window.hit = 6} {{ 7 * 7 }} <!--",
)
EVIL_MODEL = "<img src=x onerror=window.hit=7>/\"'?#&%2F☃"
EVIL_ID = 'q7/../"><b>?#&%'
LONG = "long " * 200_000
N, LANGUAGES = 60, ("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar")

Answers = dict[str, dict[str, int | None]]

_spec = importlib.util.spec_from_file_location("leaderboard_speed", ROOT / "benchmarks/leaderboard_speed.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
write_results = _module.write_results


def spoil(folder: Path) -> None:
    """Hostile texts, the same questions for every model."""
    (samples,) = folder.glob(f"samples_{TASK}*")
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    for i, row in enumerate(rows):
        evil, doc = HOSTILE[i % len(HOSTILE)], row["doc"]
        doc["questions"] = [f"{evil} {x} question {i}" for x in doc["languages"]]
        doc["options"] = [[f"{evil} {o}" for o in own] for own in doc["options"]]
        row["filtered_resps"] = [f"{evil} wrote {i}\n{r}" for r in row["filtered_resps"]]
        if i == 5:
            doc["questions"][-1] = LONG
        if i == 7:
            doc["id"] = EVIL_ID
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def make_results(folder: Path) -> None:
    """The results; all models were asked the same questions of the first task."""
    models = {"alpha": ("/home/somebody/models/alpha", 0.75), "beta": ("org/beta", 0.5), "evil": (EVIL_MODEL, 0.4)}
    for seed, (name, (model, skill)) in enumerate(models.items()):
        write_results(folder / name, model=model, skill=skill, questions=N, languages=10, characters=120, seed=seed)
        spoil(folder / name)
    run = folder / "runs/demo"
    for seed, (when, skill) in enumerate((("before", 0.3), ("after", 0.6)), 7):
        write_results(
            run / "eval" / when, model="org/base", skill=skill, questions=N, languages=10, characters=120, seed=seed
        )
        spoil(run / "eval" / when)
    (run / "manifest.json").write_text("{}")
    write_results(folder / "bare", model="org/bare", skill=0.5, questions=N, languages=10, characters=10, samples=False)
    for name in ("alpha", "beta"):
        write_results(
            folder / "other" / name, model=name, skill=0.5, questions=9, languages=2, task=OTHER, seed=len(name)
        )


def answers_of(folder: Path) -> tuple[Answers, dict[str, int]]:
    """Answers and right answers of a folder, read by nothing but json."""
    (samples,) = folder.glob("samples_*")
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    return {r["doc"]["id"]: r["kappa"] for r in rows}, {r["doc"]["id"]: r["doc"]["answer"] for r in rows}


def part(folder: Path, name: str) -> Any:
    """The content of a part."""
    text = (folder / "data" / f"{name}.js").read_text(encoding="utf-8")
    head = f'calmPart("{name}",'
    assert text.startswith(head) and text.endswith(");\n")
    return json.loads(text[len(head) : -3])


def whole(folder: Path, name: str, starts: list[int]) -> list[Any]:
    """All items of a list, and whether its parts start where they should."""
    items: list[Any] = []
    for k, start in enumerate(starts):
        assert len(items) == start
        items += part(folder, f"{name}-{k}")
    return items


def manifest(folder: Path) -> dict[str, Any]:
    """What the page says of its tables."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(page.split('id="manifest">')[1].split("</script>")[0])
    return found
