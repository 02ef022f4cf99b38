"""Ask a model: which task, how many questions, and results that are kept and used again.

Results of a task are lm-eval's own, in ``<folder>/<task>/``: ``results.json`` and ``samples_<task>.jsonl``, which
``metrics``, ``compare`` and ``leaderboard`` read. Beside them ``asked.json`` says what was asked for and how; the same
wishes for the same model find it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.disk.digests import digest
from calm_ext.errors import CalmError
from calm_ext.files.places import writable_folder
from calm_ext.files.writing import atomic_write
from calm_ext.models.find import Found, find_model, load_tokenizer
from calm_ext.prompts import PROMPTS, Style
from calm_ext.results.files import read_json
from calm_ext.signature import version_of

if TYPE_CHECKING:
    from calm_ext.harness.task import CrossLingualTask
    from calm_ext.models.options import ModelOptions

#: Seconds that asking may take where the user names no number of questions.
BUDGET = 180.0
#: Fewer questions than this say nothing, however long they take.
FEWEST = 20
#: The bundled questions: for an instruct model, for any other one; Babel's.
LETTERS, OPTIONS, BABEL = "calm_sample_xl_letters", "calm_sample_xl_mc", "calm_babel_xl_mc"
#: Tasks whose questions a check has no flag for.
_OTHERS = ("calm_local_xl", "calm_asked_xl")

_RECORD = "asked.json"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user wants of a check.

    Attributes:
        name: what the model is called.
        tasks: empty for the bundled questions in the form that suits the model.
        languages: None for those of the task.
        questions: how many; None for as many as :data:`BUDGET` allows.
        chat_template: None: where the model has one, unless the options' texts are scored.
    """

    name: str
    tasks: Sequence[str] = ()
    languages: Sequence[str] | None = None
    questions: int | None = None
    chat_template: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked, and how.

    Attributes:
        folder: of the results of this task.
        why: why it was asked in this form, in words.
        questions, available: how many were asked, of how many.
        minutes: what all questions were expected to take; None where the number was the user's.
        again: the results were there already.
    """

    model: str
    path: str
    task: str
    style: Style
    chat_template: bool
    why: str
    questions: int
    available: int
    minutes: float | None = None
    folder: Path = Path()
    again: bool = False


def check_model(
    wishes: Wishes,
    model: ModelOptions,
    output: Path,
    *,
    batch_size: int = 8,
    repeat: bool = False,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[int], Callable[[int], None]] | None = None,
) -> list[Asked]:
    """Ask the model, or find that it was asked already; one value a task.

    Args:
        model: its path, and how it is loaded.
        output: the folder of the check; each task has a folder in it.
        repeat: ask again what is there already.
        say: is told what is done, in a line.
        bar: shows progress, as :attr:`calm_ext.models.lm.SharedPrefixLM.watch`.

    Raises:
        CalmError: the model or a task is not there or cannot be used; the folder has the check of another model.
    """
    refuse_tasks(wishes.tasks)
    found = find_model(model.path)
    _refuse_other(output, found)
    writable_folder(output)
    tasks: list[str | None] = list(wishes.tasks) or [None]
    inputs = {task: _inputs(found, wishes, model, task) for task in tasks}
    kept = {task: None if repeat else _kept(output, inputs[task]) for task in tasks}
    missing = [task for task in tasks if kept[task] is None]
    if missing:
        asking = _Asking(found, wishes, model, output, batch_size, say, bar)
        kept |= dict(zip(missing, asking.run(missing, [inputs[task] for task in missing]), strict=True))
    return [asked for asked in (kept[task] for task in tasks) if asked is not None]


def refuse_tasks(tasks: Sequence[str]) -> None:
    """Refuse tasks that are not there, or whose questions the user would have to name.

    Raises:
        CalmError: names them.
    """
    from calm_ext.harness.evaluate import require_tasks

    for task in tasks:
        if task.startswith(_OTHERS):
            raise CalmError(f"{task}: `calm-ext eval --tasks {task} --metadata …` asks questions of your own")
    require_tasks(tasks)


def _inputs(found: Found, wishes: Wishes, model: ModelOptions, task: str | None) -> dict[str, Any]:
    """Everything the results depend on, as JSON gives it back."""
    loading = model.model_dump(mode="json", exclude={"path"})
    wanted = {k: v for k, v in asdict(wishes).items() if k != "tasks"} | {"task": task}
    versions = {name: version_of(name) for name in ("calm-ext", "lm_eval", "transformers", "torch")}
    values = {"model": found.identity, "loading": loading, "wishes": wanted, "prompts": PROMPTS, "versions": versions}
    restored: dict[str, Any] = json.loads(json.dumps(values))
    return restored


def _records(output: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(output.glob(f"*/{_RECORD}")):
        yield path, read_json(path)


def _refuse_other(output: Path, found: Found) -> None:
    for path, record in _records(output):
        theirs = record.get("inputs", {}).get("model", {})
        if any(theirs.get(x) != found.identity.get(x) for x in ("folder", "hub")):
            raise CalmError(f"{path.parent}: has the check of {record.get('model')}; name another folder with -o")


def _kept(output: Path, inputs: dict[str, Any]) -> Asked | None:
    for path, record in _records(output):
        if record.pop("inputs", None) == inputs and (path.parent / "results.json").is_file():
            return Asked(**record, folder=path.parent, again=True)
    return None


#: What of :class:`Asked` is not kept: it is where the record is, and how it was found.
_HERE = ("folder", "again")


@dataclass(frozen=True)
class _Asking:
    found: Found
    wishes: Wishes
    options: ModelOptions
    output: Path
    batch_size: int
    say: Callable[[str], None]
    bar: Callable[[int], Callable[[int], None]] | None

    def run(self, tasks: Sequence[str | None], inputs: Sequence[dict[str, Any]]) -> list[Asked]:
        """Load the model, and ask what each task wants."""
        from transformers.utils import logging

        from calm_ext.harness.chatter import without_context_bars
        from calm_ext.harness.evaluate import quiet_lm_eval
        from calm_ext.harness.trial import load_task
        from calm_ext.models.lm import load_lm

        quiet_lm_eval()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        tokenizer = load_tokenizer(self.found.path, trust_remote_code=self.options.trust_remote_code)
        instruct = bool(getattr(tokenizer, "chat_template", None))
        if self.wishes.chat_template and not instruct:
            raise CalmError(f"model {self.wishes.name}: its tokenizer has no chat template; leave out --chat-template")
        names = [task or self._suitable(instruct) for task in tasks]
        with without_context_bars():
            loaded = [load_task(name, metadata=self._metadata()) for name in names]
            self.say(f"loading {self.wishes.name}")
            lm = load_lm(
                self.found.path, tokenizer=tokenizer, dtype=self.options.dtype, device=self.options.device,
                batch_size=self.batch_size, trust_remote_code=self.options.trust_remote_code,
            )  # fmt: skip
            return [
                self._ask(lm, task, instruct=instruct, chosen=name is not None, inputs=given)
                for task, name, given in zip(loaded, tasks, inputs, strict=True)
            ]

    def _suitable(self, instruct: bool) -> str:
        if self.wishes.name == "babel":
            return BABEL
        return LETTERS if instruct else OPTIONS

    def _metadata(self) -> dict[str, Any]:
        languages = {"languages": list(self.wishes.languages)} if self.wishes.languages else {}
        return {**languages, "pretrained": self.found.path}

    def _ask(self, lm: Any, task: CrossLingualTask, *, instruct: bool, chosen: bool, inputs: dict[str, Any]) -> Asked:
        from calm_ext.harness.evaluate import evaluate

        name, available = str(task.config.task), len(task.task_docs)
        chat = self.wishes.chat_template
        if chat is None:
            chat = instruct and task.style != "cloze"
        questions, minutes = self._number(lm, task, chat, available)
        asked = Asked(
            model=self.wishes.name, path=self.found.path, task=name, style=task.style, chat_template=chat,
            why=_why(task.style, instruct=instruct, chosen=chosen, chat=chat), questions=questions,
            available=available, minutes=minutes, folder=self.output / name,
        )  # fmt: skip
        lm.watch = self.bar
        evaluate(
            lm,
            [name],
            asked.folder,
            model_name=self.wishes.name,
            metadata=self._metadata(),
            limit=questions if questions < available else None,
            chat_template=chat,
            identity=digest(inputs),
        )
        lm.watch = None
        kept = {k: v for k, v in asdict(asked).items() if k not in _HERE}
        atomic_write(
            asked.folder / _RECORD, json.dumps({**kept, "inputs": inputs}, indent=2, ensure_ascii=False) + "\n"
        )
        return asked

    def _number(self, lm: Any, task: CrossLingualTask, chat: bool, available: int) -> tuple[int, float | None]:
        """How many questions, and how many minutes all of them were expected to take."""
        from calm_ext.harness.trial import seconds_per_question

        languages = len(task.languages)
        if self.wishes.questions is not None:
            number = min(self.wishes.questions, available)
            self.say(f"asking {number} of {available} questions in {languages} languages")
            return number, None
        seconds = seconds_per_question(lm, task, chat_template=chat)
        number = affordable(seconds, available, budget=BUDGET)
        self.say(
            f"asking {number} of {available} questions in {languages} languages, about {in_words(seconds * number)}"
        )
        return number, seconds * available / 60


def affordable(seconds: float, available: int, *, budget: float) -> int:
    """How many questions may be asked: all where the budget allows, else as many tens as it does, and 20 at least.

    Args:
        seconds: that one question takes.
        budget: seconds that all may take.

    >>> [affordable(seconds, 120, budget=180) for seconds in (1.0, 4.0, 60.0)], affordable(60.0, 15, budget=180)
    ([120, 40, 20], 15)
    """
    if seconds * available <= budget:
        return available
    return min(available, max(FEWEST, int(budget / seconds) // 10 * 10))


def in_words(seconds: float) -> str:
    """A time to wait.

    >>> in_words(42.4), in_words(200)
    ('42 seconds', '3 minutes')
    """
    return f"{max(1, round(seconds))} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"


_FORMS = {
    "cloze": "the text of each option was scored",
    "letters": "the letter of each option was scored",
    "explain": "it explained and named an option",
    "direct": "it named an option",
    "open": "it answered in free text",
}


def _why(style: Style, *, instruct: bool, chosen: bool, chat: bool) -> str:
    """How the model was asked, and the reason."""
    how = f"{_FORMS[style]}, {'with' if chat else 'without'} a chat template"
    if chosen:
        return f"{how} (--tasks)"
    kind = (
        "an instruct model: its tokenizer has a chat template" if instruct else "a base model: it has no chat template"
    )
    return f"{how} ({kind})"
