"""The stages of a run, from a recipe to a report (DESIGN, section 9).

A stage is skipped where its inputs are what they were: the recipe keys it depends on, and the content of the files that
the stages before it wrote. Sampling and training continue where they were interrupted.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.models.backends import BACKENDS, Backend
from calm_ext.models.device import peak_memory_mib
from calm_ext.models.meter import Reading, reading
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.plan import PlannedStage, describe
from calm_ext.pipeline.recipe import digest, save_recipe
from calm_ext.pipeline.schema import Recipe
from calm_ext.pipeline.stages.retrieve import (
    check_retrieval,
    retrieval_identity,
    retrieval_metadata,
    run_retrieve,
    split_of,
)
from calm_ext.pipeline.stages.sample import check_backend, run_sample, sampling_identity
from calm_ext.pipeline.stages.train import run_train
from calm_ext.pipeline.stages.vote import run_pairs, run_vote
from calm_ext.records import ParallelQuestion
from calm_ext.signature import versions
from calm_ext.training.tracking import log_stages

if TYPE_CHECKING:
    from calm_ext.pairing.translate import Restater

#: All stages in order; `retrieve` only where the recipe has retrieval.
STAGES = ("questions", "retrieve", "before", "sample", "vote", "pairs", "train", "after", "report")


class Reporter(Protocol):
    """How a run tells what it does; the CLI gives one that writes to stderr."""

    def stage(self, name: str, message: str) -> None:
        """A stage starts, is skipped, or has something to say."""

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """A function to call with how much is done."""


class Silent:
    """A reporter for tests and libraries."""

    def stage(self, name: str, message: str) -> None:
        """Say nothing."""

    def progress(self, label: str, total: int) -> Callable[[int], None]:
        """Show nothing."""
        return lambda _: None


class Pipeline:
    """A recipe being run in a directory.

    Args:
        recipe: validated.
        run_dir: default ``runs/<name>``.
        reporter: told what happens.

    Attributes:
        ran: stages that were run, and not skipped.
    """

    def __init__(self, recipe: Recipe, run_dir: Path | None = None, *, reporter: Reporter | None = None) -> None:
        self.recipe = recipe
        self.dir = RunDirectory(run_dir or Path("runs") / recipe.name, name=recipe.name)
        self.say = reporter or Silent()
        self.stages = tuple(s for s in STAGES if s != "retrieve" or recipe.retrieval)
        self.ran: list[str] = []
        self._lm: Any = None
        self._tokenizer: Any = None  # kept where the model is given back
        self._elsewhere = Reading()
        self._model_path: str | None = None

    # --- running --------------------------------------------------------------------------------------------------

    def run(self, *, stop_after: str | None = None) -> None:
        """Run all stages in order, skipping those that are done.

        Raises:
            CalmError: a stage cannot be done; what was finished stays.
        """
        self._check_tasks()
        self._check_server(stop_after)
        self.dir.path.mkdir(parents=True, exist_ok=True)
        save_recipe(self.recipe, self.dir / "recipe.yaml")
        self.dir.save()
        for stage in self.stages:
            inputs = self._inputs(stage)
            if self.dir.is_done(stage, inputs):
                self.say.stage(stage, "unchanged, skipped")
            else:
                self.say.stage(stage, "starts")
                started, counted, self._elsewhere = time.monotonic(), reading(), Reading()
                outputs = getattr(self, f"_do_{stage}")(inputs)
                seconds = time.monotonic() - started
                model = reading().since(counted) + self._elsewhere
                facts = {
                    "seconds": round(seconds, 2),
                    "model_seconds": round(model.seconds, 2),
                    "tokens": model.tokens,
                    "peak_memory_mib": round(peak_memory_mib()),
                    "versions": versions(),
                }
                self.ran.append(stage)
                self.dir.finish(stage, inputs, outputs, **facts)
                self.say.stage(stage, f"done in {seconds:.1f} s")
            if stage == stop_after:
                return

    def plan(self) -> list[PlannedStage]:
        """What a run would do, with counts; loads questions, but no model, and writes nothing."""
        self._check_tasks()
        notes = describe(self.recipe, self._load_questions(), report=self.dir / "report/index.html")
        return [PlannedStage(s, notes[s] + (", done already" if self._known_done(s) else "")) for s in self.stages]

    def _known_done(self, stage: str) -> bool:
        try:
            return self.dir.is_done(stage, self._inputs(stage))
        except (KeyError, OSError):
            return False

    def _check_tasks(self) -> None:
        from calm_ext.harness.evaluate import unknown_tasks

        check_retrieval(self.recipe)
        check_backend(self.recipe)
        missing = unknown_tasks(self.recipe.evaluation.tasks)
        if missing:
            raise CalmError(
                f"evaluation.tasks: lm-eval has no task {', '.join(missing)}; `lm_eval ls tasks` lists them"
            )

    def _check_server(self, stop_after: str | None) -> None:
        """Find a server that will be asked before the hours that may lie before it."""
        ends_before = stop_after in self.stages[: self.stages.index("sample")]
        if BACKENDS[self.recipe.sampling.backend].remote and not ends_before and not self._known_done("sample"):
            self._load_backend().close()

    def _inputs(self, stage: str) -> str:
        """The hash of everything a stage's outcome depends on."""
        r = self.recipe
        section = {name: value.model_dump(mode="json") for name, value in r if name != "name" and value is not None}
        asking = [r.sampling.mode, r.sampling.resolved_style, r.sampling.chat_template]
        babel = section["babel"] if "babel" in (r.model.path, r.data.source) else None
        model = [section["model"], babel if r.model.path == "babel" else None]
        evaluation = [model, section["evaluation"], self._task_metadata(), r.sampling.chat_template]
        before = self._before
        passages = retrieval_identity(r)
        if passages:
            evaluation.append(passages)
        read = [before("retrieve")] if passages and stage in ("sample", "train") else []
        parts: dict[str, Callable[[], list[Any]]] = {
            "questions": lambda: [section["data"], self._data_identity(), babel],
            "retrieve": lambda: [passages, model, asking, r.sampling.max_new_tokens, before("questions")],
            "before": lambda: evaluation,
            "sample": lambda: [model, sampling_identity(r), before("questions"), *read],
            "vote": lambda: [r.vote.model_dump(), asking, before("sample")],
            "pairs": lambda: [section["pairs"], asking, r.training.heldout_share, before("vote"), before("sample")],
            "train": lambda: [model, section["training"], asking, r.sampling.max_new_tokens, before("pairs"), *read],
            "after": lambda: [*evaluation, before("train")],
            "report": lambda: [before(s) for s in self.stages[:-1]],
        }
        return digest(stage, *parts[stage]())

    def _before(self, stage: str) -> dict[str, str]:
        return self.dir.output_hash(stage)

    def _data_identity(self) -> list[str | None]:
        """What of the outside decides which questions there are."""
        from calm_ext.data import SOURCES

        path = self.recipe.data.path
        content = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None
        elsewhere = "data_dir" in SOURCES[self.recipe.data.source].option_names
        return [content, os.environ.get("CALM_DATA_DIR") if elsewhere else None]

    # --- what stages share ------------------------------------------------------------------------------------------

    def _load_questions(self) -> list[ParallelQuestion]:
        from calm_ext.data import load_questions

        d = self.recipe.data
        options = d.load_options(babel_seed=self.recipe.babel.seed)
        questions = load_questions(
            d.source, split=split_of(self.recipe), languages=d.languages, limit=d.limit, **options
        )
        if len(questions[0].versions) < 2:
            raise CalmError("data.languages: a vote across languages needs at least two")
        return questions

    def _task_metadata(self) -> dict[str, Any]:
        from calm_ext.data import SOURCES

        e, d = self.recipe.evaluation, self.recipe.data
        languages = e.languages or d.languages
        given = {"languages": languages, "data_dir": d.data_dir, "babel_seed": self.recipe.babel.seed}
        given |= SOURCES[d.source].to_metadata(d.args)
        return {k: v for k, v in given.items() if v is not None} | retrieval_metadata(self.recipe) | e.metadata

    def model_path(self) -> str:
        """Folder or hub name of the model; Babel is built here if it is not there yet."""
        if self._model_path is None:
            self._model_path = self.recipe.model.path
            if self._model_path == "babel":
                from calm_ext.babel import BabelConfig, build

                b = self.recipe.babel
                self._model_path = str(build(BabelConfig(seed=b.seed, passages=b.passages)))
        return self._model_path

    def _load_lm(self, adapter: Path | None, batch_size: int) -> Any:
        from calm_ext.harness.evaluate import quiet_lm_eval
        from calm_ext.models.lm import load_lm

        quiet_lm_eval()
        m = self.recipe.model
        if adapter is None and self._lm is not None:
            self._lm.batch_size_per_gpu = batch_size
            return self._lm
        lm = load_lm(
            self.model_path(),
            adapter=str(adapter) if adapter else None,
            tokenizer=self._tokenizer,
            dtype=m.dtype,
            device=m.device,
            batch_size=batch_size,
            trust_remote_code=m.trust_remote_code,
        )
        self._lm, self._tokenizer = lm if adapter is None else None, lm.tokenizer
        return lm

    def _load_backend(self) -> Backend:
        from calm_ext.harness.evaluate import quiet_lm_eval

        quiet_lm_eval()
        s = self.recipe.sampling
        entry = BACKENDS[s.backend]
        if not entry.shares_lm and not entry.remote:
            from calm_ext.models.batches import release_memory

            self._lm = None  # give the memory back before the backend takes it
            release_memory()
        return entry.load(
            self.recipe.model.replace(path=self.model_path()),
            arguments=s.backend_args,
            batch_size=s.batch_size,
            chat=s.chat_template,
            lm=self._load_lm(None, s.batch_size) if entry.shares_lm else None,
        )

    def _questions(self) -> list[ParallelQuestion]:
        return list(read_jsonl(self.dir / "questions.jsonl", ParallelQuestion))

    # --- stages: each returns what it wrote -------------------------------------------------------------------------

    def _do_questions(self, inputs: str) -> list[str]:
        questions = self._load_questions()
        n = write_jsonl(self.dir / "questions.jsonl", questions)
        self.say.stage("questions", f"{n} questions in {', '.join(questions[0].versions)}")
        return ["questions.jsonl"]

    def _do_retrieve(self, inputs: str) -> list[str]:
        return run_retrieve(
            self.recipe,
            self.dir,
            self._questions(),
            lambda message: self.say.stage("retrieve", message),
            model_path=self.model_path(),
            load_lm=lambda: self._load_lm(None, self.recipe.sampling.batch_size),
            progress=self.say.progress,
        )

    def _evaluate(self, when: str, adapter: Path | None) -> list[str]:
        from calm_ext.harness.evaluate import evaluate

        e = self.recipe.evaluation
        evaluate(
            self._load_lm(adapter, e.batch_size),
            e.tasks,
            self.dir / f"eval/{when}",
            model_name=self.recipe.model.path + (f"+{self.recipe.name}" if adapter else ""),
            metadata=self._task_metadata() | ({"pretrained": self.model_path()} if self.recipe.retrieval else {}),
            limit=e.limit,
            num_fewshot=e.num_fewshot,
            chat_template=self.recipe.sampling.chat_template,
            seed=e.seed,
        )
        return [f"eval/{when}"]

    def _do_before(self, inputs: str) -> list[str]:
        return self._evaluate("before", None)

    def _do_sample(self, inputs: str) -> list[str]:
        return run_sample(
            self.recipe,
            self.dir,
            self._questions(),
            inputs,
            lambda message: self.say.stage("sample", message),
            load_backend=self._load_backend,
            progress=self.say.progress,
        )

    def _do_vote(self, inputs: str) -> list[str]:
        return run_vote(self.recipe, self.dir, lambda message: self.say.stage("vote", message))

    def _do_pairs(self, inputs: str) -> list[str]:
        return run_pairs(
            self.recipe,
            self.dir,
            lambda message: self.say.stage("pairs", message),
            restater=self._restater,
            progress=self.say.progress,
        )

    def _restater(self) -> Restater:
        from calm_ext.pairing.translate import load_restater

        self._lm = None  # give the memory back before the translator takes it
        m, tokens = self.recipe.model, self.recipe.sampling.max_new_tokens
        path = self.recipe.pairs.translator or self.model_path()
        return load_restater(path, device=m.device, dtype=m.dtype, max_new_tokens=tokens)

    def _do_train(self, inputs: str) -> list[str]:
        self._lm = None  # give the memory back before the training process takes it
        outputs, self._elsewhere = run_train(
            self.recipe,
            self.dir,
            inputs,
            lambda message: self.say.stage("train", message),
            model_path=self.model_path(),
        )
        return outputs

    def _do_after(self, inputs: str) -> list[str]:
        return self._evaluate("after", self.dir / "adapter")

    def _do_report(self, inputs: str) -> list[str]:
        from calm_ext.report import write_report

        write_report(self.dir.path)
        summary = json.loads((self.dir / "summary.json").read_text(encoding="utf-8"))
        name, trackers = self.dir.path.resolve().name, self.recipe.training.report_to
        for problem in log_stages(trackers, self.dir / "tracking", name=name, summary=summary):
            self.say.stage("report", problem)
        return ["summary.json", "report"]
