"""Each extension point taken by one file of another package, found through its entry point and used for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.small import LIBRARIES

FILES = {
    "toy_language.py": '''
"""A language: Babel's first one, spoken by somebody else."""
from calm_ext.languages import Language

LANGUAGE = Language("tok", "Toki Pona", "toki pona", "Latn", "Ruvo", "Sumek", "Talor", "Lumek")
''',
    "toy_source.py": '''
"""A source: Babel's questions, with the first language's words as Toki Pona."""
from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import Source
from calm_ext.options import Section


class ToyOptions(Section):
    every: int = 1
    """Take every n-th question."""


def load(split, *, languages, every):
    from calm_ext.babel import BabelConfig, questions

    found = questions(BabelConfig(seed=0), "train")[::every]
    return Joined([q.model_copy(update={"versions": {"tok": q.versions["qaa"], **q.versions}}) for q in found])


SOURCE = Source(
    name="toy", load=load, splits=("train",), languages=("tok", "qab"), title="a toy", options=ToyOptions
)
''',
    "toy_backend.py": '''
"""A backend: it names an option by the seed, most often the second."""
from calm_ext.models.backends import Backend, Setup, backend
from calm_ext.options import Section


class ToyArguments(Section):
    favourite: int = 1
    """The option that most responses name."""


@backend("toy", "names an option by the seed", options=ToyArguments)
class Toy(Backend):
    def __init__(self, setup: Setup) -> None:
        self.favourite = setup.arguments.favourite

    def respond(self, requests, *, temperature, top_p, max_new_tokens):
        found = []
        for request in requests:
            options = [line[2:] for line in request.text.splitlines() if line.startswith("- ")]
            found.append([options[self.favourite if s % 4 else s // 4 % len(options)] for s in request.seeds])
        return found

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(-float(len(r.args[1])), False) for r in requests]

    def apply_chat_template(self, history, add_generation_prompt=True):
        return history[-1]["content"]

    def close(self):
        pass
''',
    "toy_rule.py": '''
"""A rule: every language's vote counts the same, the second option a little more."""
from calm_ext.voting.evidence import weighted
from calm_ext.voting.rules import Case, Verdict, rule


@rule("toy", "the votes of Toki Pona count twice")
def toy(case: Case) -> Verdict:
    weights = case.weights.copy()
    weights[[i for i, x in enumerate(case.votes.languages) if x == "tok"]] *= 2
    return Verdict(weighted(case.votes, weights), notes=("toy: Toki Pona counts twice",))
''',
    "toy_method.py": '''
"""A method: the likelihood of the chosen responses, times a factor of its own."""
from typing import Literal

from pydantic import Field

from calm_ext.training.methods import method
from calm_ext.training.options import TrainingOptions


class ToyOptions(TrainingOptions):
    method: Literal["toy"] = "toy"
    factor: float = Field(1.0, gt=0)
    """What the loss is multiplied by."""


@method("toy", eats="chosen", options=ToyOptions, description="likelihood times a factor")
def build(context):
    from calm_ext.training.methods.sft import build as plain

    trainer = plain(context)
    inner = trainer.compute_loss

    def compute_loss(model, inputs, return_outputs=False, **more):
        found = inner(model, inputs, return_outputs=return_outputs, **more)
        factor = context.job.options.factor
        return (found[0] * factor, found[1]) if return_outputs else found * factor

    trainer.compute_loss = compute_loss
    print(f"the toy trains with factor {context.job.options.factor}", flush=True)
    return trainer
''',
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which a package with the five files is installed, as pip lays it out."""
    site = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        (site / name).write_text(text, encoding="utf-8")
    info = site / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    points = "".join(f"{name[4:-3]} = {name[:-3]}\n" for name in FILES)
    (info / "entry_points.txt").write_text(f"[calm_ext.plugins]\n{points}")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(site)]), "OMP_NUM_THREADS": "1"}


def calm_ext(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calm_ext", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_run_uses_all_five(environment: dict[str, str], babel_model: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(
        f"""
name: toy
model: {{path: {babel_model}, dtype: float32, device: cpu}}
data: {{source: toy, languages: [tok, qab], limit: 24, args: {{every: 2}}}}
sampling: {{style: direct, n: 4, max_new_tokens: 3, backend: toy, backend_args: {{favourite: 2}}}}
vote: {{rule: toy}}
training: {{method: toy, factor: 2.5, batch_size: 16, dtype: float32, heldout_share: 0.2, checks_per_epoch: 1}}
evaluation: {{tasks: [calm_babel_xl], languages: [qaa, qab], limit: 4}}
"""
    )
    done = calm_ext(environment, "align", recipe, "--run", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "24 questions in tok, qab" in done.stderr
    assert "toy: Toki Pona counts twice" in done.stderr
    assert "the toy trains with factor 2.5" in (tmp_path / "run/run.log").read_text(encoding="utf-8")
    assert not LIBRARIES.findall(done.stderr), "without a terminal nothing of libraries is printed"
    first = json.loads((tmp_path / "run/generations.jsonl").open(encoding="utf-8").readline())
    assert first["language"] == "tok" and first["prompt"].startswith("Ruvo: ")
    assert {first["options"].index(r) for r in first["responses"]} >= {2}
    assert (tmp_path / "run/adapter/adapter_config.json").is_file()
    assert json.loads(done.stdout)["calm_babel_xl"]["after"]["acc"] >= 0
    card = (tmp_path / "run/README.md").read_text(encoding="utf-8")
    assert "toy" in card


NAMED = {
    "data ls": "a toy",
    "languages": "Toki Pona",
    "vote --help": "the votes of Toki Pona count twice",
    "sample --help": "toy",
    "train --help": "toy",
}


def test_the_verbs_name_them(environment: dict[str, str]) -> None:
    """In one new process, as the plugins are found when it starts."""
    code = (
        "import json; from click.testing import CliRunner; from calm_ext.cli.main import cli; "
        f"found = {{x: CliRunner().invoke(cli, x.split()) for x in {list(NAMED)}}}; "
        "print(json.dumps({x: [r.exit_code, r.output] for x, r in found.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    for command, said in NAMED.items():
        ended, text = shown[command]
        assert ended == 0 and said in " ".join(text.split()), (command, text)


def test_their_options_are_checked(environment: dict[str, str], tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: r\nmodel: {path: babel}\ndata: {source: toy, args: {evry: 2}}\n"
        "sampling: {backend: toy, backend_args: {favorite: 1}}\n"
        "training: {method: toy, facto: 2}\nevaluation: {tasks: [calm_babel_xl]}\n"
    )
    done = calm_ext(environment, "recipes", "validate", recipe)
    assert done.returncode == 2
    assert "training.facto: unknown key; did you mean factor?" in done.stderr
    recipe.write_text(recipe.read_text().replace("facto:", "factor:"))
    done = calm_ext(environment, "recipes", "validate", recipe)
    assert "sampling.backend_args.favorite: unknown key; did you mean favourite?" in done.stderr
    assert "evry" in done.stderr and "Traceback" not in done.stderr


def test_a_broken_plugin_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[calm_ext.plugins]\nx = broken\n")
    both = {**environment, "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(tmp_path)])}
    done = calm_ext(both, "languages")
    assert done.returncode == 2
    assert "the plugin x (broken) of the package broken cannot be loaded: No module named" in done.stderr
    assert "Traceback" not in done.stderr
