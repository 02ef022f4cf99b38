"""A chat template that a tokenizer lacks is seen before any work, in one line with the key and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner, Result

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError
from calm_ext.models.template import has_chat_template
from calm_ext.records import ParallelQuestion

LACKS = "the tokenizer of {} has no chat template; {} (an instruct model has one, a base model is asked without)"


def model(folder: Path, **files: str) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ("{}", False),
        ('{"chat_template": null}', False),
        ('{"chat_template": ""}', False),
        ('{"chat_template": "{{ messages }}"}', True),
        ('{"chat_template": [{"name": "default", "template": "x"}]}', True),
        ('{"auto_map": {"AutoTokenizer": ["x.Y", null]}}', None),  # its own code may bring one
        ("{", None),
        ("[]", None),
        (None, None),
    ],
)
def test_what_the_files_of_a_folder_say(tmp_path: Path, config: str | None, known: bool | None) -> None:
    folder = model(tmp_path / "m", **({"tokenizer_config": config} if config else {}))
    assert has_chat_template(str(folder)) is known
    (folder / "additional_chat_templates").mkdir()
    assert has_chat_template(str(folder)) is (True if known is False else known)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert has_chat_template(str(folder)) is True


def test_it_is_what_transformers_finds(babel_model: Path) -> None:
    from calm_ext.models.find import load_tokenizer

    assert has_chat_template(str(babel_model)) is bool(load_tokenizer(str(babel_model)).chat_template) is False
    assert has_chat_template("babel") is False


def test_what_the_cache_of_the_hub_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{}")
    absent = object()
    there = {"tokenizer_config.json": str(tmp_path / "tokenizer_config.json")}
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda _, name: there.get(name))
    assert has_chat_template("org/m") is None, "the other file was never asked for"
    assert has_chat_template("org/m", fetch=True) is False, "nor can it be had"
    there["chat_template.jinja"] = absent  # type: ignore[assignment]
    assert has_chat_template("org/m") is False
    there["chat_template.jinja"] = str(tmp_path / "tokenizer_config.json")
    assert has_chat_template("org/m") is True


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_every_verb_refuses_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a framework is loaded for it, nor a run begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("calm_ext.models.lm.load_lm", lambda *_, **__: pytest.fail("a model was loaded"))
    model(tmp_path / "m", tokenizer_config="{}")
    recipe = {
        "name": "x", "model": {"path": "./m"}, "data": {"source": "babel"}, "sampling": {"chat_template": True},
        "evaluation": {"tasks": ["calm_babel_xl_mc"]},
    }  # fmt: skip
    Path("my.yaml").write_text(yaml.safe_dump(recipe))
    line = f"my.yaml: sampling.chat_template: {LACKS.format('./m', 'set it to false')}"
    for arguments in (["align", "my.yaml"], ["align", "my.yaml", "--dry-run"]):
        assert str(run(*arguments).exception) == line, arguments
    shown = run("recipes", "validate", "my.yaml")
    assert shown.exit_code == 2 or shown.exception is not None
    assert line in shown.output or line in str(shown.exception)
    version = {"question": "?", "options": ["a", "b"]}
    question = ParallelQuestion.model_validate({"id": "q", "answer": 0, "versions": {"en": version, "fr": version}})
    Path("q.jsonl").write_text(question.model_dump_json() + "\n")
    pair = {"id": "q", "language": "en", "prompt": "?", "chosen": "a", "rejected": "b", "chosen_answer": 0,
            "rejected_answer": 1, "margin": 1.0, "origin": "native"}  # fmt: skip
    Path("p.jsonl").write_text(json.dumps(pair) + "\n")
    for arguments in (
        ["sample", "q.jsonl", "-o", "g.jsonl", "--model", "./m"],
        ["eval", "-o", "out", "--model", "./m", "--tasks", "calm_sample_xl_mc"],
        ["train", "p.jsonl", "-o", "out", "--model", "./m"],
    ):
        found = run(*arguments, "--chat-template")
        assert str(found.exception) == f"--chat-template: {LACKS.format('./m', 'leave the flag out')}", found.output
    assert not Path("runs").exists() and not Path("out").exists() and not Path("g.jsonl").exists()


def test_an_evaluation_in_python_says_it_too() -> None:
    from calm_ext.harness.evaluate import evaluate

    lm = SimpleNamespace(tokenizer=SimpleNamespace(chat_template=None), rank=0)
    with pytest.raises(CalmError, match="the tokenizer of mine has no chat template; set it to false"):
        evaluate(lm, ["calm_babel_xl_mc"], "out", model_name="mine", chat_template=True)  # type: ignore[arg-type]
