"""Code that comes with a model, a run or an index is not run, unless the person at the keyboard says so."""

from __future__ import annotations

import json
import shutil
import textwrap
from pathlib import Path

import pytest

from calm_ext.errors import CalmError, RecipeError
from calm_ext.models.trust import FLAG, require_adapter
from calm_ext.pipeline.recipe import load_recipe

RECIPE = """
name: strange
model: {path: %s, trust_remote_code: true}
data: {source: babel, limit: 20}
evaluation: {tasks: [calm_babel_xl]}
"""


@pytest.fixture
def bringing(babel_model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model folder whose own Python says that it was run, by a file."""
    folder, said = tmp_path / "model", tmp_path / "was-run"
    shutil.copytree(babel_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(
        textwrap.dedent(f"""
            open({str(said)!r}, "w").close()
            from transformers import LlamaConfig as Own, LlamaForCausalLM as Model
        """)
    )
    return folder, said


def test_a_model_runs_its_own_code_only_with_the_flag(bringing: tuple[Path, Path], tmp_path: Path) -> None:
    from calm_ext.models.lm import load_lm
    from calm_ext.publish.merge import _load
    from tests.shell import calm_process

    folder, said = bringing
    with pytest.raises(CalmError, match=f"only with {FLAG}"):
        load_lm(str(folder), device="cpu")
    with pytest.raises(CalmError, match=f"only with {FLAG}"):
        _load(tmp_path / "adapter", str(folder), "auto", False)
    assert not said.exists()
    calm_process(
        "eval", "-o", str(tmp_path / "e"), "--model", str(folder), "--tasks", "calm_babel_xl", "--limit", "1", FLAG
    )
    assert said.exists(), "with the flag it is"


@pytest.mark.parametrize("verb", ["align", "tune"])
def test_a_recipe_can_only_wish_for_it(verb: str, bringing: tuple[Path, Path], tmp_path: Path) -> None:
    from tests.shell import calm_process

    folder, said = bringing
    recipe = tmp_path / "r.yaml"
    recipe.write_text(RECIPE % folder)
    refused = calm_process(verb, str(recipe), "--run", str(tmp_path / "run"))
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "model.trust_remote_code" in refused.stderr and FLAG in refused.stderr
    assert not said.exists() and not (tmp_path / "run").exists()
    assert calm_process(verb, str(recipe), "--run", str(tmp_path / "run"), "--dry-run", FLAG).returncode == 0


def test_every_place_where_a_recipe_could_say_it(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(RECIPE % "babel")
    ways = ["evaluation.metadata={trust_remote_code: true}", "model.trust_remote_code=true"]
    for way in ways:
        with pytest.raises(RecipeError, match=FLAG):
            load_recipe(recipe, overrides=["model.trust_remote_code=false", way])
    assert load_recipe(recipe, trust_remote_code=True).model.trust_remote_code
    assert load_recipe(recipe, trust_remote_code=None).model.trust_remote_code, "a recipe that is only looked at"
    assert not load_recipe(recipe, overrides=["model.trust_remote_code=false"]).model.trust_remote_code


def test_a_study_can_only_wish_for_it(tmp_path: Path) -> None:
    from calm_ext.study.grid import make_grid
    from calm_ext.study.read import read_study

    (tmp_path / "r.yaml").write_text(RECIPE % "babel")
    study = tmp_path / "s.yaml"
    study.write_text("name: s\nrecipe: r.yaml\nvary: {training.epochs: [1, 2]}\n")
    with pytest.raises(RecipeError, match=FLAG):
        make_grid(read_study(study), tmp_path / "run")
    cells = make_grid(read_study(study, trust_remote_code=True), tmp_path / "run").cells
    assert [cell.recipe.model.trust_remote_code for cell in cells] == [True, True]


def test_adapters_are_safetensors_and_import_nothing(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (tmp_path / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(CalmError, match="is a pickle"):
        require_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    require_adapter(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"megatron_config": {"a": 1}, "megatron_core": "own"}')
    with pytest.raises(CalmError, match="Megatron"):
        require_adapter(tmp_path)


def test_a_model_of_pickles_is_not_loaded(babel_model: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from calm_ext.models.lm import load_lm

    shutil.copytree(babel_model, tmp_path / "m")
    weights = tmp_path / "m/model.safetensors"
    torch.save(load_file(weights), tmp_path / "m/pytorch_model.bin")
    weights.unlink()
    with pytest.raises(CalmError, match="safetensors"):
        load_lm(str(tmp_path / "m"), device="cpu")


def test_an_index_never_runs_the_code_of_its_model(tmp_path: Path) -> None:
    from calm_ext.retrieval.dense import _refuse_code

    (tmp_path / "modules.json").write_text('[{"type": "sentence_transformers.models.Transformer"}]')
    _refuse_code(tmp_path)
    (tmp_path / "modules.json").write_text('[{"type": "own.Model"}]')
    with pytest.raises(CalmError, match=r"own\.Model"):
        _refuse_code(tmp_path)
