"""What the stages of a run share: the recipe, the run directory, the model that is loaded, and where messages go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from calm_ext.data import answerable, load_joined
from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl
from calm_ext.models.backends import BACKENDS, Backend
from calm_ext.models.meter import Reading
from calm_ext.pipeline.directory import RunDirectory
from calm_ext.pipeline.needs import Needs
from calm_ext.pipeline.reporter import Reporter
from calm_ext.pipeline.schema import Recipe
from calm_ext.records import ParallelQuestion

if TYPE_CHECKING:
    from calm_ext.data.parallel.rows import Joined
    from calm_ext.models.processes.machines import Lead
    from calm_ext.pairing.translate import Restater


class Outputs(NamedTuple):
    """What a stage left behind.

    Attributes:
        files: the files and folders it wrote, relative to the run directory.
        spent: time and tokens of a model that ran in another process.
    """

    files: tuple[str, ...]
    spent: Reading = Reading()


class Stage(Protocol):
    """One stage of a run. An instance has no state: the run has it all.

    Attributes:
        name: the key in the manifest, and the word for ``--stop-after``.
    """

    name: str

    def applies(self, recipe: Recipe) -> bool:
        """Whether a run of this recipe has the stage."""

    def check(self, run: Run, *, due: bool) -> None:
        """Refuse what can be known before hours of work.

        Args:
            due: the run is to come to this stage, so a server that it needs must answer.

        Raises:
            CalmError: the stage could not be done.
        """

    def lacks(self, run: Run) -> bool:
        """Whether a finished stage lacks something that this run asks for again."""

    def depends_on(self, run: Run) -> Needs:
        """Everything its outcome depends on: recipe keys, outputs of earlier stages, the world."""

    def plan(self, run: Run) -> str:
        """What it would do, with counts, in a line."""

    def run(self, run: Run) -> Outputs:
        """Do it.

        Raises:
            CalmError: it cannot be done; what was finished stays.
        """


class BaseStage:
    """The answers that most stages give."""

    name = ""

    def applies(self, recipe: Recipe) -> bool:
        """Always."""
        return True

    def check(self, run: Run, *, due: bool) -> None:
        """Nothing to refuse."""

    def lacks(self, run: Run) -> bool:
        """Nothing."""
        return False


class Models:
    """The model of a recipe: loaded once, kept while stages can share it, released before something else needs room.

    Attributes:
        lead: of the other machines of the recipe's accelerate config, while they take part.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.lead: Lead | None = None
        self._lm: Any = None
        self._tokenizer: Any = None  # outlives the model: reading a large one takes seconds

    @cached_property
    def path(self) -> str:
        """Folder or hub name of the model; Babel's is built here if it is not there yet."""
        if self.recipe.model.path != "babel":
            return self.recipe.model.path
        from calm_ext.babel import BabelConfig, build

        b = self.recipe.babel
        return str(build(BabelConfig(seed=b.seed, passages=b.passages)))

    def lm(self, *, batch_size: int, adapter: Path | None = None) -> Any:
        """The model as lm-eval's class; the one without an adapter is kept."""
        from calm_ext.harness.evaluate import quiet_lm_eval
        from calm_ext.models.processes.model import load

        quiet_lm_eval()
        if adapter is None and self._lm is not None:
            self._lm.batch_size_per_gpu = batch_size
            return self._lm
        self.release()
        m = self.recipe.model
        lm = load(
            self.path,
            launch=self.recipe.launch,
            lead=self.lead,
            adapter=str(adapter) if adapter else None,
            tokenizer=self._tokenizer,
            dtype=m.dtype,
            device=m.device,
            batch_size=batch_size,
            trust_remote_code=m.trust_remote_code,
            template_args=self.recipe.sampling.template_args,
        )
        self._lm, self._tokenizer = lm if adapter is None else None, lm.tokenizer
        return lm

    def backend(self) -> Backend:
        """What samples: the recipe's backend, with the model that is loaded where it can share it."""
        from calm_ext.harness.evaluate import quiet_lm_eval

        quiet_lm_eval()
        s = self.recipe.sampling
        entry = BACKENDS[s.backend]
        if not entry.shares_lm and not entry.remote:
            self.release()  # the backend takes the memory for itself
        return entry.load(
            self.recipe.model.replace(path=self.path),
            arguments=s.backend_args,
            batch_size=s.batch_size,
            chat=s.chat_template,
            template_args=s.template_args,
            lm=self.lm(batch_size=s.batch_size) if entry.shares_lm else None,
            scored=s.mode == "options",
        )

    def release(self) -> None:
        """Give the model's memory back, if one is loaded; else no framework is imported for it."""
        if self._lm is None:
            return
        from calm_ext.models.batches import release_memory

        self._lm = None
        release_memory()

    def restater(self) -> Restater:
        """What translates explanations: the recipe's translator, or the model itself."""
        from calm_ext.pairing.translate import load_restater

        self.release()
        m = self.recipe.model
        return load_restater(
            self.recipe.pairs.translator or self.path,
            device=m.device,
            dtype=m.dtype,
            max_new_tokens=self.recipe.sampling.max_new_tokens,
            template_args=None if self.recipe.pairs.translator else self.recipe.sampling.template_args,
        )


class Run:
    """A recipe being run in a directory.

    Args:
        recipe: validated.
        folder: default ``runs/<name>``.
        stages: all stages there are; those that apply to the recipe are taken.
        reporter: where messages go; default nowhere.
        retry: ask again for what is missing, as responses that a server did not give.

    Attributes:
        stages: those of this recipe, in order.
        due: names of the stages that this call is to come to.
        current: name of the stage that is running.
        inputs: the hash of what that stage depends on, by which it knows its own unfinished work again.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path | None = None,
        *,
        stages: Sequence[Stage] = (),
        reporter: Reporter | None = None,
        retry: bool = False,
    ) -> None:
        self.recipe = recipe
        self.retry = retry
        self.stages = tuple(s for s in stages if s.applies(recipe))
        self.dir = RunDirectory(folder or Path("runs") / recipe.name, name=recipe.name)
        self.reporter = reporter or Reporter()
        self.models = Models(recipe)
        self.due: tuple[str, ...] = ()
        self.current = ""
        self.inputs = ""

    def say(self, message: str) -> None:
        """A message of the stage that is running."""
        self.reporter.stage(self.current, message)

    def warn(self, message: str) -> None:
        """A warning of the stage that is running."""
        self.reporter.warn(self.current, message)

    def inputs_of(self, stage: Stage) -> str:
        """The hash of everything that the stage's outcome depends on.

        Raises:
            KeyError: a stage before it is not finished.
            OSError: a file that it depends on cannot be read.
        """
        return stage.depends_on(self).identity(stage.name)

    def is_done(self, stage: Stage) -> bool:
        """Whether the stage is finished, with the inputs that it would have now."""
        try:
            return self.dir.is_done(stage.name, self.inputs_of(stage))
        except (KeyError, OSError):
            return False

    def outputs_of(self, stage: str) -> dict[str, str]:
        """relative path -> SHA-256 of what a finished stage wrote.

        Raises:
            KeyError: it is not finished.
        """
        return self.dir.output_hash(stage)

    def made_by(self, *stages: str) -> dict[str, dict[str, str]]:
        """The same of several stages; those that the recipe does not have are left out.

        Raises:
            KeyError: one is not finished.
        """
        have = {stage.name for stage in self.stages} or set(stages)
        return {stage: self.outputs_of(stage) for stage in stages if stage in have}

    @property
    def questions(self) -> list[ParallelQuestion]:
        """The questions that the first stage wrote."""
        return list(read_jsonl(self.dir / "questions.jsonl", ParallelQuestion))

    @property
    def split(self) -> str:
        """The split that is asked: the recipe's, else the training questions where the source has some."""
        entry = self.recipe.data.described
        return self.recipe.data.split or ("train" if "train" in entry.splits else entry.splits[0])

    @property
    def source_options(self) -> dict[str, Any]:
        """What the source of the questions takes besides split and languages."""
        return self.recipe.data.load_options(babel_seed=self.recipe.babel.seed)

    @cached_property
    def source_questions(self) -> list[ParallelQuestion]:
        """The questions as their source gives them; see :attr:`source_joined`."""
        return self.source_joined.questions

    @cached_property
    def source_joined(self) -> Joined:
        """The questions as their source gives them, with what it says of them.

        Raises:
            CalmError: they cannot be loaded, or are in one language only.
        """
        d, options = self.recipe.data, self.source_options
        is_open = self.recipe.sampling.resolved_style == "open"
        limit = None if is_open else d.limit
        joined = load_joined(d.source, split=self.split, languages=d.languages, limit=limit, **options)
        if len(joined.questions[0].versions) < 2:
            raise CalmError("data.languages: a vote across languages needs at least two")
        if not is_open:
            return joined
        return joined._replace(questions=answerable(joined.questions, d.source)[0][: d.limit])
