"""``calm-ext``: the group of verbs. Each verb's module is imported when it is used, so that ``--help`` is quick."""

from __future__ import annotations

import importlib

import click

from calm_ext import __version__

#: verb -> (module, one line for the list)
VERBS = {
    "check": ("check", "Look at a model for the first time: does it answer alike in ten languages, and where not?"),
    "align": ("align", "Run a whole recipe: sample, vote, pair, train, evaluate before and after, report."),
    "study": ("study", "Run a recipe over settings, seeds and folds, and test what is claimed of it."),
    "tune": ("tune", "Choose a recipe's training settings without gold labels, by questions held out."),
    "sample": ("sample", "Ask a model questions in every language and keep its responses."),
    "vote": ("vote", "Elect an answer for each question from generations."),
    "pairs": ("pairs", "Build preference pairs from ballots and generations."),
    "train": ("train", "Train a LoRA adapter on pairs."),
    "eval": ("eval", "Evaluate a model, or model and adapter, through lm-eval."),
    "metrics": ("metrics", "Score answers without a model, with intervals and chance values."),
    "compare": ("compare", "Compare two evaluations of the same questions, question by question."),
    "report": ("report", "Write a run's report again and print a summary."),
    "explain": ("explain", "Explain what a run's alignment changed, and why, with the most telling questions."),
    "merge": ("merge", "Fold a run's adapter into its base model, as a plain transformers folder."),
    "push": ("push", "Upload a run's adapter, model card and report to the Hugging Face hub."),
    "leaderboard": ("leaderboard", "Rank many models from lm-eval result folders."),
    "view": ("view", "Write one page for many results: from the leaderboard down to every answer."),
    "recipes": ("recipes", "List, show, copy and check recipes."),
    "data": ("data", "List data sources; write and check their questions."),
    "index": ("index", "Index passages, search them, find passages for questions."),
    "languages": ("languages", "List the languages in which calm-ext can ask."),
    "babel": ("babel", "Build the model of Babel, the embedded default."),
}


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is called, and ends user errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which a user needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"calm_ext.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb where there is none of that name."""
        from calm_ext.files.expected import did_you_mean

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(
                f"no verb {args[0]!r}{did_you_mean(args[0], VERBS)}; calm-ext --help lists the verbs", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="calm-ext")
def cli() -> None:
    """Measure how consistently a language model answers across languages, and align it from its own samples.

    \b
    calm-ext check MODEL                     look: one screen, where a model's languages disagree
    lm_eval --tasks calm_medqa_xl …          measure: accuracy per language, consistency across them
    calm-ext align recipes/llama.yaml        align: from the model's own samples, no gold labels
    calm-ext leaderboard RESULTS…            compare many models

    Start with `calm-ext align demo`: it needs no model, no data and no GPU, and takes a few minutes.
    """


def main() -> None:
    """Run the command line and exit (:mod:`calm_ext.cli.ending`)."""
    from calm_ext.cli.ending import run

    run(lambda: cli.main(prog_name="calm-ext", standalone_mode=False))
