from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from calm_ext.errors import CalmError, RecipeError
from calm_ext.pipeline.bundled import find_recipe, purpose, recipe_names, recipes_dir
from calm_ext.pipeline.recipe import load_recipe, parse_recipe
from calm_ext.pipeline.schema import Recipe

MINIMAL = {"name": "x", "model": {"path": "babel"}, "data": {"source": "babel"}, "evaluation": {"tasks": ["t"]}}


def test_every_recipe_that_comes_along_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = recipe_names()
    assert names == [
        "demo", "demo-rag", "klar-gemma-270m", "llama", "paper-medqa", "paper-xcsqa", "sample-rag-gemma-270m", "xcsqa-gemma-270m",
    ]  # fmt: skip
    (tmp_path / "models/gemma-3-270m").mkdir(parents=True)
    (tmp_path / "models/gemma-3-270m/config.json").touch()
    monkeypatch.chdir(tmp_path)
    for name in names:
        path = recipes_dir() / f"{name}.yaml"
        assert load_recipe(path).name == name
        text = path.read_text(encoding="utf-8")
        assert "calm-ext align" in text.split("name:")[0], f"{name}: the command that runs it is not at its head"
        assert purpose(path)


def test_all_problems_at_once() -> None:
    values = {
        "name": "x",
        "model": {"path": "./not-there"},
        "data": {"langages": ["en"], "languages": ["en", "xx", "en"]},
        "training": {"bta": 1, "epochs": "many"},
        "evaluation": {"tasks": []},
    }
    with pytest.raises(RecipeError) as caught:
        parse_recipe(values, where="r.yaml")
    told = caught.value.problems
    for said in (
        "data.langages: unknown key; did you mean languages?",
        "training.bta: unknown key; did you mean beta?",
        "model.path: no such folder: ./not-there",
        "data.languages: no language 'xx'",
        "data.languages: 'en' is listed twice",
    ):
        assert any(t.startswith(said) for t in told), (said, told)
    assert any(t.startswith("training.epochs:") and "'many'" in t for t in told)
    assert any(t.startswith("evaluation.tasks:") for t in told)
    assert all(line.startswith("r.yaml: ") for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vote": {"rule": "zscore"}}, "vote.rule: zscore needs"),
        ({"vote": {"rule": "best"}}, "vote.rule: one of correlated, dawid_skene, gold"),
        ({"pairs": {"translator": "m"}}, "pairs.translator: is given, but pairs.fallback is not translate"),
        ({"pairs": {"chosen": "pooled"}}, "pairs.chosen: pooled puts one explanation into all languages; set fallback"),
        (
            {"pairs": {"instructions": {"qaa": "?"}}, "sampling": {"style": "direct"}},
            "pairs.instructions: style direct shows no instruction",
        ),
        ({"pairs": {"instructions": {"fr": "?"}}}, "pairs.instructions.fr: 'fr' is not one of data.languages"),
        (
            {"pairs": {"instructions": {"qaa": "?"}}, "retrieval": {"index": "babel"}},
            "pairs.instructions: do not go with retrieval",
        ),
        ({"pairs": {"fallback": "translate", "translator": "m"}}, "pairs.translator: no model folder: m"),
        ({"vote": {"ties": "pivot"}}, "vote.pivot: missing"),
        ({"vote": {"pivot": "fr"}, "data": {"source": "babel", "languages": ["qaa", "qab"]}}, "vote.pivot: 'fr'"),
        ({"vote": {"weights": {"qaa": -1}}}, "vote.weights: a weight is negative"),
        ({"sampling": {"mode": "options", "style": "explain"}}, "sampling.style: explain does not go"),
        ({"data": {"source": "local"}}, "data.path: missing"),
        ({"data": {"source": "local", "path": "nope.jsonl"}}, "data.path: no such file"),
        ({"data": {"source": "xcsqa", "data_dir": "nope"}}, "data.data_dir: no such directory"),
        ({"launch": {"accelerate_config": "nope.yaml"}}, "launch.accelerate_config: no such file"),
        ({"training": {"learning_rate": 0}}, "training.learning_rate: "),
        ({"data": {"source": "babel", "languages": ["qaa"]}}, "data.languages: "),
        ({"name": "../up"}, "name: "),
        (
            {"retrieval": {"index": "nowhere"}},
            "retrieval.index: no index in nowhere (`calm-ext index build` makes one)",
        ),
        ({"retrieval": {"index": "babel"}}, "babel.passages: is 0"),
        ({"retrieval": {"index": "medexpqa"}}, "retrieval.index: medexpqa has passages for its own questions only"),
        ({"retrieval": {"index": "babel", "judge": True}}, "retrieval.judge: Babel's languages know no yes and no"),
        ({"retrieval": {"index": "sample", "budget": 2}}, "retrieval.budget: "),
        ({"retrieval": {"index": "sample", "qery": "own"}}, "retrieval.qery: unknown key; did you mean query?"),
        (
            {"retrieval": {"index": "sample", "pivot": "ru"}, "data": {"source": "sample", "languages": ["en", "fr"]}},
            "retrieval.pivot: 'ru' is not one of",
        ),
        ({"evaluation": {"tasks": ["calm_medqa_xl_rag"]}}, "evaluation.tasks: calm_medqa_xl_rag needs an index"),
    ],
)
def test_what_types_cannot_say(changes: dict, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALM_INDEX", raising=False)
    with pytest.raises(RecipeError) as caught:
        parse_recipe({**MINIMAL, **changes})
    assert any(t.startswith(said) for t in caught.value.problems), caught.value.problems


def test_another_method_by_one_key(tmp_path: Path) -> None:
    """The keys that belong to the file's own method go; a mistake in the file, and in the override, is still one."""
    path = tmp_path / "r.yaml"
    for training in ({"beta": 0.3, "epochs": 2}, {"method": "dpo", "nll_weight": 0.2, "epochs": 2}):
        path.write_text(yaml.safe_dump(MINIMAL | {"training": training}))
        for name in ("sft", "dco", "listwise"):
            read = load_recipe(path, overrides=[f"training.method={name}"]).training
            assert (read.method, read.epochs) == (name, 2)
            assert read == parse_recipe(MINIMAL | {"training": {"method": name, "epochs": 2}}).training, "no β of DPO's"
        assert load_recipe(path, overrides=["training.seed=3"]).training.own_words()[0] in ("β 0.3", "β 0.1")
    with pytest.raises(RecipeError, match=r"training\.beta: unknown key"):
        load_recipe(path, overrides=["training.method=sft", "training.beta=0.2"])
    path.write_text(path.read_text().replace("epochs:", "epoch:"))
    with pytest.raises(RecipeError, match=r"training\.epoch: unknown key; did you mean epochs"):
        load_recipe(path, overrides=["training.method=sft"])


def test_anchors_in_training_need_anchors_among_the_pairs() -> None:
    training = {"anchors": "kl"}
    with pytest.raises(RecipeError, match=r"training\.anchors: there are no pairs of languages that agree; set pairs"):
        parse_recipe(MINIMAL | {"training": training, "pairs": {"anchors": "none"}})
    assert parse_recipe(MINIMAL | {"training": training}).pairs.anchors == "all"


def test_overrides(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    recipe = load_recipe(
        path, overrides=["training.beta=0.2", "training.learning_rate=1e-4", "data.languages=[qaa, qab]"]
    )
    assert recipe.training.beta == 0.2
    assert recipe.training.learning_rate == 1e-4
    assert recipe.data.languages == ["qaa", "qab"]
    read = load_recipe(path, overrides=["retrieval.index=sample", "babel.passages=0.5"])
    assert read.retrieval and read.retrieval.index == "sample"
    path.write_text(yaml.safe_dump({**MINIMAL, "retrieval": None}))
    assert load_recipe(path, overrides=["retrieval.index=sample", "babel.passages=0.5"]).retrieval
    with pytest.raises(RecipeError, match="key=value was expected"):
        load_recipe(path, overrides=["training.beta"])
    with pytest.raises(RecipeError, match="name is not a section"):
        load_recipe(path, overrides=["name.x=1"])
    with pytest.raises(RecipeError, match=r"training\.betta: unknown key"):
        load_recipe(path, overrides=["training.betta=1"])


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe(tmp_path / "nope.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\ndata: [1, 2\n")
    with pytest.raises(RecipeError, match=r"broken\.yaml:3: not YAML"):
        load_recipe(broken)
    listed = tmp_path / "list.yaml"
    listed.write_text("- a\n")
    with pytest.raises(RecipeError, match="YAML with keys such as name: was expected"):
        load_recipe(listed)
    with pytest.raises(CalmError, match="these come along: demo"):
        find_recipe("dmo")


def test_resolved_recipe_reads_back() -> None:
    recipe = parse_recipe(MINIMAL)
    assert Recipe.model_validate(yaml.safe_load(recipe.to_yaml())) == recipe


def test_languages_that_are_not_asked_are_refused_before_sampling(tmp_path: Path) -> None:
    """Of a source's own languages when the recipe is read, of a file's when the questions are."""
    from calm_ext.pipeline.run import Pipeline
    from tests.test_pipeline import Spy

    changes = {"vote": {"weights": {"xx": 2}, "pivot": "sw", "min_languages": 9}}
    with pytest.raises(RecipeError) as error:
        parse_recipe({**MINIMAL, "data": {"source": "babel"}, **changes})
    said = ("vote.pivot: 'sw' is not", "vote.weights.xx: 'xx' is not", "vote.min_languages: 9 of")
    assert all(x in str(error.value) for x in said)
    row = '{"id": "q", "versions": {"en": {"question": "?", "options": ["a", "b"]}, "fr": {"question": "?", "options": ["a", "b"]}}}'
    (tmp_path / "q.jsonl").write_text(row + "\n")
    data = {"data": {"source": "local", "path": str(tmp_path / "q.jsonl")}, "evaluation": {"tasks": ["calm_babel_xl"]}}
    recipe = parse_recipe({**MINIMAL, **data, **changes})
    for act in (Pipeline.plan, Pipeline.run):
        with pytest.raises(RecipeError) as error:
            act(Pipeline(recipe, tmp_path / "run", reporter=Spy()))
        assert all(x in str(error.value) for x in said)
