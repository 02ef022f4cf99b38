"""The stage that writes the report, the summary and the model card."""

from __future__ import annotations

from calm_ext.files.decode import read_table
from calm_ext.pipeline.context import BaseStage, Outputs, Run
from calm_ext.pipeline.needs import Needs, some_keys


class Report(BaseStage):
    """Write ``report/``, ``summary.json`` and ``README.md``."""

    name = "report"

    def depends_on(self, run: Run) -> Needs:
        """The outputs of all stages before it, and who else is told of them."""
        return Needs(
            keys=some_keys(run.recipe.training, "training", "report_to"),
            made=run.made_by(*(s.name for s in run.stages if s is not self)),
        )

    def plan(self, run: Run) -> str:
        """Where it will be."""
        return str(run.dir / "report/index.html")

    def run(self, run: Run) -> Outputs:
        """Write it, and log the results with the trackers of the recipe."""
        from calm_ext.report import write_report
        from calm_ext.training.tracking import log_stages

        write_report(run.dir.path)
        summary = read_table(run.dir / "summary.json")
        name, trackers = run.dir.path.resolve().name, run.recipe.training.report_to
        run.say(str(run.dir / "report/index.html"))
        for problem in log_stages(trackers, run.dir / "tracking", name=name, summary=summary):
            run.say(problem)
        return Outputs(("summary.json", "report"))
