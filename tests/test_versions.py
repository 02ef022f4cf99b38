"""What calm-ext takes from lm-eval and TRL is there, and a version that lacks it is refused in one line."""

from __future__ import annotations

import ast
import configparser
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import calm_ext
from calm_ext.signature import version_of
from tests.conftest import ROOT

PACKAGE = Path(calm_ext.__file__).parent

# Module and name -> what no longer works without it. "" is the module itself.
TAKEN = {
    ("lm_eval", "simple_evaluate"): "calm-ext eval and the stages before and after (harness/evaluate.py)",
    ("lm_eval", "evaluator"): "asking without lm-eval's own lines (harness/chatter.py)",
    ("lm_eval.api", "model"): "asking without lm-eval's own lines (harness/chatter.py)",
    ("lm_eval.api", "task"): "asking without lm-eval's own lines (harness/chatter.py)",
    ("lm_eval.api.instance", "Instance"): "the requests of tasks and of the sampler",
    ("lm_eval.api.metrics", "mean"): "the tasks' metrics: lm-eval gives a standard error to its own mean only",
    ("lm_eval.api.model", "CacheHook"): "no answers are kept any more behind an evaluation (harness/kept.py)",
    ("lm_eval.api.model", "LM"): "types of harness/ and models/",
    ("lm_eval.api.task", "ConfigurableTask"): "the base class of the tasks (harness/task.py)",
    ("lm_eval.api.task", "Task"): "telling the 0.5 line, where ConfigurableTask is another name of it",
    ("lm_eval.api.utils", "Message"): "prompts of chat templates and few-shot questions; 0.5: lm_eval.api._utils",
    ("lm_eval.api.utils", "multiturn_to_singleturn"): "prompts of chat templates; 0.5: lm_eval.api._utils",
    ("lm_eval.loggers", "EvaluationTracker"): "results.json and the samples files (harness/evaluate.py)",
    ("lm_eval.models.api_models", "TemplateAPI"): "telling a server's arguments from metadata (harness/metadata.py)",
    ("lm_eval.models.huggingface", "HFLM"): "the base class of the hf backend (models/lm.py)",
    ("lm_eval.models.openai_completions", "LocalCompletionsAPI"): "scoring options by a server",
    ("lm_eval.models.sglang_causallms", "SGLangLM"): "the sglang backend",
    ("lm_eval.models.utils", "handle_stop_sequences"): "stop strings of the sampler (models/request.py)",
    ("lm_eval.models.utils", "postprocess_generated_text"): "cutting responses at stop strings",
    ("lm_eval.models.vllm_causallms", "VLLM"): "the vllm backend",
    (
        "lm_eval.models.utils",
        "normalize_gen_kwargs",
    ): "the arguments of a generation by a backend (harness/backend_lm.py)",
    ("lm_eval.tasks", "TaskManager"): "finding tasks (harness/evaluate.py)",
    ("lm_eval.utils", "make_table"): "the table of calm-ext eval",
    ("trl", "DPOConfig"): "training (training/worker.py)",
    ("trl", "DPOTrainer"): "training (training/trainer.py)",
    ("trl", "GRPOConfig"): "training by GRPO",
    ("trl", "GRPOTrainer"): "training by GRPO",
    ("trl.trainer.utils", "add_fused_lm_head"): "training on groups",
    ("trl", "SFTConfig"): "method sft (training/methods/sft.py)",
    ("trl", "SFTTrainer"): "method sft (training/methods/sft.py)",
    ("trl.trainer", "utils"): "the faster output layer of a CPU (training/response_head.py)",
}

# Methods and attributes that are overridden or called.
MEMBERS = {
    ("lm_eval.api.task", "ConfigurableTask"): (
        "aggregation", "build_all_requests", "construct_requests", "doc_to_target", "eval_docs", "fewshot_context",
        "fewshot_docs", "higher_is_better", "process_results", "set_config", "set_fewshot_seed",
    ),
    ("lm_eval.loggers", "EvaluationTracker"): ("save_results_aggregated", "save_results_samples"),
    ("lm_eval.models.huggingface", "HFLM"): (
        "_loglikelihood_tokens", "_model_call", "_model_generate", "apply_chat_template", "batch_size", "generate_until",
        "loglikelihood", "max_length", "tok_decode", "tok_encode",
    ),
    ("lm_eval.tasks", "TaskManager"): ("all_tasks", "load"),
    ("trl", "DPOTrainer"): ("_compute_loss", "_prepare_dataset", "compute_ref_log_probs", "save_model", "train"),
}  # fmt: skip


def found(module: str, name: str) -> object:
    says = f"{module}.{name} is gone: {TAKEN[module, name]}"
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith(("lm_eval", "trl")):
            pytest.skip(f"{error.name} is not installed")
        pytest.fail(says)
    except AttributeError:
        pytest.fail(says)


@pytest.mark.parametrize(("module", "name"), list(TAKEN))
def test_what_is_taken_is_there(module: str, name: str) -> None:
    taken = found(module, name)
    for member in MEMBERS.get((module, name), ()):
        assert hasattr(taken, member), f"{module}.{name}.{member} is gone: {TAKEN[module, name]}"


def test_arguments_that_are_given_are_known() -> None:
    given = {
        ("lm_eval", "simple_evaluate"): (
            "model", "tasks", "task_manager", "num_fewshot", "limit", "apply_chat_template", "fewshot_as_multiturn",
            "log_samples", "evaluation_tracker", "bootstrap_iters", "random_seed", "numpy_random_seed",
            "torch_random_seed", "fewshot_random_seed",
        ),
        ("lm_eval.tasks", "TaskManager"): ("metadata", "include_path", "include_defaults"),
    }  # fmt: skip
    for (module, name), arguments in given.items():
        known = inspect.signature(found(module, name)).parameters  # type: ignore[arg-type]
        assert set(arguments) <= set(known), f"{module}.{name}: {TAKEN[module, name]}"


def test_the_table_has_all_that_is_imported() -> None:
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("lm_eval", "trl"):
                imported |= {(node.module, a.name) for a in node.names}
    assert imported - set(TAKEN) == set(), "add them to TAKEN, with what breaks without them"
    assert set(TAKEN) - imported == {("lm_eval", "simple_evaluate")}, "take out of TAKEN what is imported no longer"


def test_the_versions_tried_are_those_that_are_asked_for() -> None:
    from calm_ext.harness.task import NEEDED

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    assert f"lm-eval[hf]{NEEDED}" in setup["options"]["install_requires"].split("\n")
    page = (ROOT / "docs/versions.md").read_text(encoding="utf-8")
    pinned = dict(x.split("==") for x in (ROOT / "constraints.txt").read_text().split() if "==" in x)
    required = [x for x in setup["options"]["install_requires"].split("\n") if x]
    for name in ("torch", "transformers", "trl", "lm_eval", "peft", "accelerate", "datasets"):
        (bounds,) = [x for x in required if x.replace("-", "_").startswith((f"{name}>", f"{name}["))]
        assert f"| {bounds.replace('[hf]', '').removeprefix(name.replace('_', '-'))} | {pinned[name]} |" in page, name


OTHER_MODULE = """
import sys
sys.modules["lm_eval.api.utils"] = None
"""
# As in the development line of 0.5: one class, whose constructor reads the config and nothing else.
OTHER_TASK = """
import lm_eval.api.task
class Task:
    def __init__(self, config=None):
        self.config = config
lm_eval.api.task.Task = lm_eval.api.task.ConfigurableTask = Task
"""


@pytest.mark.parametrize(
    ("shape", "reason"),
    [(OTHER_MODULE, " (import of lm_eval.api.utils halted; None in sys.modules)"), (OTHER_TASK, "")],
)
def test_the_next_line_of_lm_eval_is_refused_in_one_line(shape: str, reason: str) -> None:
    code = shape + (
        "from calm_ext.errors import CalmError\n"
        "try:\n"
        "    from calm_ext.harness.task import CrossLingualTask\n"
        "    CrossLingualTask(config={'task': 'x'})\n"
        "except CalmError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == (
        f"lm-eval {version_of('lm_eval')} is installed, with which calm-ext's tasks do not work; "
        f"pip install 'lm-eval[hf]>=0.4.13,<0.5'{reason}\n"
    ), done.stderr[-2000:]
