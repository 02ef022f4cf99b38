"""Preference losses of a pair, by their names in TRL, each pair with a label noise ε of its own.

TRL 1.16 computes the same values with one ε for all pairs and gives their mean only; a test holds the two together.
Formulas and sources stand in :mod:`calm_ext.training.methods.dpo`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

#: The temperature τ of DiscoPOP, its paper's and TRL's default.
DISCOPOP_TAU = 0.05


class Ratios(NamedTuple):
    """What the losses of n pairs are computed from; tensors are (n,).

    Attributes:
        chosen: log π(w|x)/π₀(w|x) of the chosen responses, summed over tokens, in nats.
        rejected: the same of the rejected ones.
        chosen_length: tokens of the chosen responses.
        rejected_length: tokens of the rejected ones.
        epsilon: the probability that chosen and rejected are the wrong way round.
        beta: DPO's β; in ``ipo`` its τ, in ``sppo_hard`` 1/η.
    """

    chosen: Tensor
    rejected: Tensor
    chosen_length: Tensor
    rejected_length: Tensor
    epsilon: Tensor
    beta: float

    @property
    def margin(self) -> Tensor:
        """β (a − b)."""
        return self.beta * (self.chosen - self.rejected)

    @property
    def margin_per_token(self) -> Tensor:
        """a / |w| − b / |l|."""
        return self.chosen / self.chosen_length - self.rejected / self.rejected_length


def sigmoid(r: Ratios) -> Tensor:
    """DPO; with ε conservative DPO."""
    return -(1 - r.epsilon) * logsigmoid(r.margin) - r.epsilon * logsigmoid(-r.margin)


def robust(r: Ratios) -> Tensor:
    """Robust DPO: the loss whose mean over labels flipped with probability ε is DPO's on the true ones."""
    return (-(1 - r.epsilon) * logsigmoid(r.margin) + r.epsilon * logsigmoid(-r.margin)) / (1 - 2 * r.epsilon)


def sigmoid_norm(r: Ratios) -> Tensor:
    """DPO on log-ratios per token."""
    return -logsigmoid(r.beta * r.margin_per_token)


def hinge(r: Ratios) -> Tensor:
    """SLiC's hinge."""
    return torch.relu(1 - r.margin)


def ipo(r: Ratios) -> Tensor:
    """IPO on log-ratios per token."""
    return (r.margin_per_token - 1 / (2 * r.beta)).square()


def exo_pair(r: Ratios) -> Tensor:
    """EXO: KL from the policy's preference to (1 − ε, ε)."""
    q, log_q, log_other = torch.sigmoid(r.margin), logsigmoid(r.margin), logsigmoid(-r.margin)
    return q * (log_q - torch.log1p(-r.epsilon)) + (1 - q) * (log_other - torch.log(r.epsilon))


def nca_pair(r: Ratios) -> Tensor:
    """NCA."""
    chosen, rejected = r.beta * r.chosen, r.beta * r.rejected
    return -logsigmoid(chosen) - 0.5 * logsigmoid(-chosen) - 0.5 * logsigmoid(-rejected)


def bco_pair(r: Ratios) -> Tensor:
    """BCO without its reward shift."""
    return -logsigmoid(r.beta * r.chosen) - logsigmoid(-r.beta * r.rejected)


def sppo_hard(r: Ratios) -> Tensor:
    """SPPO with hard labels."""
    return (r.chosen - 0.5 / r.beta).square() + (r.rejected + 0.5 / r.beta).square()


def apo_zero(r: Ratios) -> Tensor:
    """APO-zero: chosen up, rejected down."""
    return 1 - torch.sigmoid(r.beta * r.chosen) + torch.sigmoid(r.beta * r.rejected)


def apo_down(r: Ratios) -> Tensor:
    """APO-down: both down, rejected more."""
    return torch.sigmoid(r.beta * r.chosen) + 1 - torch.sigmoid(r.margin)


def discopop(r: Ratios) -> Tensor:
    """DiscoPOP's blend of the logistic and the exponential loss."""
    blend = torch.sigmoid(r.margin / DISCOPOP_TAU)
    return (1 - blend) * -logsigmoid(r.margin) + blend * torch.exp(-r.margin)


#: Name -> the (n,) losses of n pairs.
LOSSES: dict[str, Callable[[Ratios], Tensor]] = {
    loss.__name__: loss
    for loss in (
        sigmoid, robust, sigmoid_norm, hinge, ipo, exo_pair, nca_pair, bco_pair, sppo_hard, apo_zero, apo_down,
        discopop,
    )
}  # fmt: skip
