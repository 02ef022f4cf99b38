"""Direct consistency optimization (Liu et al. 2026, arXiv 2603.04678): no vote, no labels, no sampling.

For a question in two languages with prompts x₁, x₂, and two of its options that are c₁, r₁ in the one and c₂, r₂ in the
other, with the policy π and the untrained model π₀,

    oᵢ = log π₀(cᵢ|xᵢ) - log π₀(rᵢ|xᵢ)        ρᵢ = log π(cᵢ|xᵢ) - log π(rᵢ|xᵢ) - oᵢ

    loss = |ρ₁ - o₂ / β| + |ρ₂ - β o₁|

on summed log-probabilities: each language learns to prefer what both prefer, as a product of experts. The paper trains
on one pair of languages; here the loss is the mean over all pairs of a question's languages, in the order of the data
(language 1 comes first), and over all pairs of options that are compared in both.
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


class DCOOptions(GroupOptions):
    """How to train by DCO."""

    method: Literal["dco"] = "dco"
    """Direct consistency optimization."""
    completions: Literal["options"] = "options"
    """What is compared: all options, written as the prompt asks for them."""
    beta: float = Field(1.0, gt=0)
    """How much the later language of a pair follows the earlier one; the earlier follows the later by 1 / β."""
    learning_rate: float = Field(1e-5, gt=0)
    """Highest learning rate; it decays linearly to 0. The default is the paper's."""

    def own_words(self) -> list[str]:
        """β."""
        return [f"β {self.beta:g}"]


@method(
    "dco",
    eats="groups",
    options=DCOOptions,
    description="direct consistency optimization: languages take over each other's preferences, without a vote",
)
def build(context: TrainingContext) -> Any:
    """A trainer on the questions that are there in two languages, decided or not."""
    from calm_ext.training.groups import group_trainer

    options = context.job.options
    assert isinstance(options, DCOOptions)
    rows = [row for row in context.rows if len(row.cells) > 1]
    return group_trainer(context, rows, lambda s, x: dco_loss(s, x, options.beta), needs_reference=True)


def dco_loss(scores: torch.Tensor, layout: Layout, beta: float) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of a batch, as the module says.

    Args:
        scores: (R,) summed log-probabilities of the batch's completions.
    """
    import torch

    losses = []
    for question in range(int(layout.question.max()) + 1):
        cells = [(layout.cell == c).nonzero().squeeze(1) for c in (layout.question == question).nonzero().squeeze(1)]
        for i, first in enumerate(cells):
            for second in cells[i + 1 :]:
                one, two = _in_both(layout.option[layout.answer[first]], layout.option[layout.answer[second]])
                if len(one) < 2:
                    continue
                rows1, rows2 = first[one], second[two]
                c, r = torch.combinations(torch.arange(len(one), device=scores.device)).unbind(1)

                def lead(of: torch.Tensor, rows: torch.Tensor, c: torch.Tensor = c, r: torch.Tensor = r) -> Any:
                    return of[rows[c]] - of[rows[r]]

                o1, o2 = lead(layout.reference, rows1), lead(layout.reference, rows2)
                rho1, rho2 = lead(scores, rows1) - o1, lead(scores, rows2) - o2
                losses.append(((rho1 - o2 / beta).abs() + (rho2 - beta * o1).abs()).mean())
    if not losses:
        return scores.sum() * 0, {}
    return torch.stack(losses).mean(), {}


def _in_both(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The places of the options that both languages compare, in one order."""
    same = first[:, None] == second[None]
    one, two = same.nonzero().unbind(1)
    return one, two
