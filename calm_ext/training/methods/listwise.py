"""Listwise: cross-entropy over all answers to a question, with the vote's probabilities as soft targets.

For a question in a language, with the completions y that give option k and the policy π, the score of the option and
its share among the options are

    s_k = log sum over y of π(y|x)^(1/n)        q_k = exp s_k / sum over j of exp s_j

where n is 1 (``normalize: sum``) or the number of tokens of y (``token``). With t_k the vote's probability that option
k is right (:mod:`calm_ext.voting.targets`), the loss is the mean over questions and languages of

    - sum over k of t_k log q_k  -  nll_weight · mean over tokens of log π(w|x)

where w is the likeliest completion that gives the elected option. All wrong options take part, so that none takes the
place of another, and a language that agrees with the vote already is held where it is. This is the listwise loss of
ListNet (Cao et al. 2007, https://dl.acm.org/doi/10.1145/1273496.1273513) on log-likelihoods.

``agreeing: base`` holds languages that agree with the vote by another target: the untrained model's own shares q, so
that the loss there is the divergence KL(q₀ ‖ q), up to a constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from calm_ext.training.context import TrainingContext
from calm_ext.training.methods import method
from calm_ext.training.options import GroupOptions

if TYPE_CHECKING:
    import torch

    from calm_ext.training.groups import Layout


class ListwiseOptions(GroupOptions):
    """How to train by the listwise loss."""

    method: Literal["listwise"] = "listwise"
    """Cross-entropy over all options, with the vote's probabilities as soft targets."""
    completions: Literal["options", "samples"] = "samples"
    """What is compared: the sampled responses, grouped by answer, or all ``options``, written as the prompt asks for
    them. Where options were scored there are no samples, and it is the options."""
    normalize: Literal["sum", "token"] = "sum"
    """Scores are log-probabilities summed over a completion, or their mean per token."""
    nll_weight: float = Field(0.0, ge=0)
    """Weight of the mean NLL per token of the elected option's likeliest completion."""
    targets: Literal["soft", "hard"] = "soft"
    """Targets are the vote's probabilities, or 1 for the elected option."""
    agreeing: Literal["vote", "base"] = "vote"
    """The target where a language agrees with the vote already: the vote's, or the untrained model's own."""

    def own_words(self) -> list[str]:
        """The keys that differ from their defaults, and the anchor."""
        agreeing = ["agreeing kept by KL"] if self.agreeing == "base" else []
        return [f"{self.targets} targets", f"NLL {self.nll_weight:g}", *agreeing]


@method(
    "listwise",
    eats="groups",
    options=ListwiseOptions,
    description="cross-entropy over all options, with the vote's probabilities as soft targets",
)
def build(context: TrainingContext) -> Any:
    """A trainer on the questions that the vote decided."""
    from calm_ext.training.groups import group_trainer

    options = context.job.options
    assert isinstance(options, ListwiseOptions)
    rows = [row for row in context.rows if row.winner is not None]
    return group_trainer(
        context, rows, lambda s, x: listwise_loss(s, x, options), needs_reference=options.agreeing == "base"
    )


def listwise_loss(
    scores: torch.Tensor, layout: Layout, options: ListwiseOptions
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of a batch, as the module says.

    Args:
        scores: (R,) summed log-probabilities of the batch's completions.
    """
    import torch

    from calm_ext.training import segments

    n_cells, n_answers = len(layout.question), len(layout.answer_cell)
    counted = (layout.elected >= 0).nonzero().squeeze(1)  # (D,) cells in which the elected option is compared

    def shares(logprobs: torch.Tensor) -> torch.Tensor:
        each = logprobs / layout.length if options.normalize == "token" else logprobs
        return segments.log_softmax(segments.logsumexp(each, layout.answer, n_answers), layout.answer_cell, n_cells)

    log_q = shares(scores)
    elected = layout.elected[counted]
    target = layout.target
    if options.targets == "hard":
        target = torch.zeros_like(target).index_fill(0, elected, 1.0)
    if options.agreeing == "base":
        base = shares(layout.reference)
        agrees = segments.first_largest(base, layout.answer_cell, n_cells) == layout.elected
        target = torch.where(agrees[layout.answer_cell], base.exp(), target)
    each = -segments.total(target * log_q, layout.answer_cell, n_cells)[counted]
    loss = each.mean()
    first = segments.first_largest(log_q.detach(), layout.answer_cell, n_cells)
    seen = {"elected_first": (first == layout.elected)[counted].float().mean().item()}
    if options.nll_weight:
        rows = segments.first_largest((scores / layout.length).detach(), layout.answer, n_answers)[elected]
        nll = -(scores / layout.length)[rows].mean()
        loss = loss + options.nll_weight * nll
        seen["nll"] = nll.item()
    return loss, seen
