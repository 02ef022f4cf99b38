"""The stage that loads the questions."""

from __future__ import annotations

from calm_ext.data import SOURCES
from calm_ext.errors import RecipeError
from calm_ext.jsonl import write_jsonl
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, keys_of, own_data_world, some_keys
from calm_ext.pipeline.problems import languages_not_asked
from calm_ext.records import ParallelQuestion


class Questions(BaseStage):
    """Write ``questions.jsonl``, the questions that will be asked."""

    name = "questions"

    def depends_on(self, run: Run) -> Needs:
        """The recipe's data, and the content of the files that are read."""
        data = run.recipe.data
        of_babel = some_keys(run.recipe.babel, "babel", "seed") if data.source == "babel" else {}
        return Needs(
            keys=keys_of(data, "data") | of_babel,
            world=own_data_world(run.recipe),
            more=["open"] if _left_out(run) else [],
        )

    def plan(self, run: Run) -> str:
        """How many, in how many languages, and from where."""
        questions = _questions(run)
        size = f"{len(questions)} questions × {len(questions[0].versions)} languages"
        return f"{size} from {run.recipe.data.source}{_left_out(run)}"

    def run(self, run: Run) -> Outputs:
        """Load and write them."""
        questions = _questions(run)
        n = write_jsonl(run.dir / "questions.jsonl", questions)
        run.say(f"{n} questions in {', '.join(questions[0].versions)}{_left_out(run)}")
        return Outputs(("questions.jsonl",))


def _left_out(run: Run) -> str:
    """Which questions of the source are not asked, as a remark; empty where all are."""
    needs = SOURCES[run.recipe.data.source].needs_options
    if run.recipe.sampling.resolved_style != "open" or not needs:
        return ""
    return f"; {len(needs)} that cannot be answered without their options are left out"


def _questions(run: Run) -> list[ParallelQuestion]:
    """The questions; a recipe that names other languages than theirs is refused before any of them is asked.

    Raises:
        RecipeError: it does.
    """
    questions = run.source_questions
    problems = languages_not_asked(run.recipe, list(questions[0].versions))
    if problems:
        raise RecipeError("recipe", problems)
    return list(questions)
