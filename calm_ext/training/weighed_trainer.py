"""PairTrainer where pairs count differently: a noise ε and a weight of each pair's own, and anchors.

TRL runs the model, and logs what it logs; its own loss gets weight 0 (but for a mixture of experts' balance loss). Ours
is computed from the same run: see :mod:`calm_ext.training.methods.dpo` for the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from trl import DPOTrainer

from calm_ext.errors import RunError
from calm_ext.training import trl_internals
from calm_ext.training.losses import LOSSES, Ratios
from calm_ext.training.methods.dpo import DPOOptions
from calm_ext.training.shared_prefix import CLOSE, CLOSE_HALF
from calm_ext.training.trainer import PairTrainer
from calm_ext.training.weighing import ANCHOR, COLUMNS, EPSILON, PREFERENCE

#: Logits that the divergence holds at a time: 32 MiB in float32.
CHUNK = 2**23


def divergence(hidden: Tensor, base: Tensor, logits: Callable[[Tensor], Tensor], words: int) -> Tensor:
    """KL(π₀‖π) of each token's distribution over the whole vocabulary, in nats, a few tokens at a time.

    The gradient by the states is computed with the value, so that no logits wait for the backward pass.

    Args:
        hidden: (n, size) states of the policy before the output layer.
        base: (n, size) those of the base model.
        logits: the output layer of both, frozen.
        words: size of the vocabulary.

    Returns:
        (n,) divergences.
    """
    found = []
    size = max(1, CHUNK // words)
    for policy, reference in zip(hidden.split(size), base.split(size), strict=True):
        state = policy.detach().requires_grad_(policy.requires_grad)
        with torch.no_grad():
            log_base = logits(reference).log_softmax(-1)
        each = (log_base.exp() * (log_base - logits(state).log_softmax(-1))).sum(-1)
        if each.requires_grad:
            (slope,) = torch.autograd.grad(each.sum(), state)  # a token's divergence depends on its own state alone
            each = each.detach() + ((policy - state.detach()) * slope).sum(-1)
        found.append(each)
    return torch.cat(found)


class WeighedPairTrainer(PairTrainer):
    """A PairTrainer on rows with the columns of :mod:`calm_ext.training.weighing`.

    Args:
        options: the loss, the weights of its terms, and what is done with anchors.

    Raises:
        RunError: the model is sharded and anchors are held by KL, or TRL lacks a name that this needs.
    """

    def __init__(self, *args: Any, options: DPOOptions, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = options
        self._head_is_known = False
        if options.anchors == "kl" and (self.is_deepspeed_enabled or self.is_fsdp_enabled):
            raise RunError(
                "training.anchors kl needs the whole model in each process, and this one is sharded; take nll"
            )
        trl_internals.need(self, trl_internals.REFERENCE_IS_GIVEN, trl_internals.REFERENCE, wanted="this loss")
        self._reference_in_step = not getattr(self, trl_internals.REFERENCE_IS_GIVEN)
        setattr(self, trl_internals.REFERENCE_IS_GIVEN, True)
        collate = self.data_collator
        self.data_collator = lambda rows: {
            **collate(rows),
            **{name: torch.tensor([row[name] for row in rows]) for name in COLUMNS},
        }

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of a batch: the preference losses, the NLL and the divergence of anchors, each with its weight."""
        columns = {name: inputs[name] for name in COLUMNS}
        inputs = {name: value for name, value in inputs.items() if name not in COLUMNS}
        if self._reference_in_step:
            with self._packed():
                chosen, rejected = DPOTrainer.compute_ref_log_probs(self, model, inputs)
            inputs |= {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
        found: list[Any] = []

        def policy(**kwargs: Any) -> Any:
            with self._states() as states:
                found.append((model(**kwargs), states))
            return found[-1][0]

        theirs = super().compute_loss(policy, inputs, return_outputs=return_outputs)
        outputs, states = found[0]
        trl_internals.need(outputs, trl_internals.LOG_PROBS, wanted="this loss")
        mask = inputs["completion_mask"][:, 1:]
        log_probs = getattr(outputs, trl_internals.LOG_PROBS)[:, -mask.shape[1] :]
        loss = self._preference(log_probs, mask, inputs, columns) + self._nll(log_probs, mask, columns)
        if self.options.anchors == "kl":
            loss = loss + self._held(log_probs, mask, inputs, columns, states)
        return (theirs[0] + loss, theirs[1]) if return_outputs else theirs + loss

    def _preference(self, log_probs: Tensor, mask: Tensor, inputs: Any, columns: dict[str, Tensor]) -> Tensor:
        """The preference losses, each times its pair's weight, over the number of rows."""
        rows = columns[PREFERENCE].nonzero().squeeze(1)
        (chosen, rejected), lengths = log_probs.sum(1).chunk(2), mask.sum(1).chunk(2)
        ratios = Ratios(
            (chosen - inputs["ref_chosen_logps"])[rows],
            (rejected - inputs["ref_rejected_logps"])[rows],
            lengths[0][rows],
            lengths[1][rows],
            columns[EPSILON][rows],
            self.options.beta,
        )
        return (columns[PREFERENCE][rows] * LOSSES[self.options.loss](ratios)).sum() / len(chosen)

    def _nll(self, log_probs: Tensor, mask: Tensor, columns: dict[str, Tensor]) -> Tensor:
        """The NLL of the chosen responses' tokens, each times its pair's weight, over the number of tokens."""
        weight = self.options.anchor_weight if self.options.anchors == "nll" else 0.0
        weights = torch.where(columns[ANCHOR] > 0, weight, self.options.nll_weight)
        each, mask = -log_probs.chunk(2)[0], mask.chunk(2)[0]
        if self.options.anchors == "nll":
            held = mask * columns[ANCHOR][:, None]
            self._log("anchors/nll", (each.detach() * held).sum(), held.sum())
        return (weights[:, None] * each * mask).sum() / mask.sum()

    def _held(self, log_probs: Tensor, mask: Tensor, inputs: Any, columns: dict[str, Tensor], states: Any) -> Tensor:
        """The divergence from the base model at the tokens of the anchors' chosen responses, over all chosen tokens."""
        rows = columns[ANCHOR].nonzero().squeeze(1)
        n, chosen = mask.chunk(2)[0].sum(), mask[rows].bool()
        if len(rows):
            hidden = states[0][rows, -mask.shape[1] - 1 : -1][chosen]
            self._look_at_head(hidden, inputs["input_ids"][rows, 1:][chosen], log_probs[rows][chosen])
            base = self._base_states(inputs["input_ids"][rows], inputs["attention_mask"][rows])[:, :-1][chosen]
            total = divergence(hidden, base, self._logits, self._head().weight.shape[0]).sum()
        else:
            total = log_probs.sum() * 0
        self._log("anchors/kl", total.detach(), chosen.sum())
        return self.options.anchor_weight * total / n

    @contextmanager
    def _states(self) -> Iterator[list[Tensor]]:
        """Within, collects the states before the output layer, where the divergence needs them."""
        states: list[Tensor] = []
        if self.options.anchors != "kl":
            yield states
            return
        hook = self._base().base_model.register_forward_hook(lambda *call: states.append(call[2].last_hidden_state))
        try:
            yield states
        finally:
            hook.remove()

    def _base(self) -> Any:
        return self.accelerator.unwrap_model(self.model).get_base_model()

    def _base_states(self, ids: Tensor, seen: Tensor) -> Tensor:
        """The states of the model without its adapter."""
        with (
            torch.no_grad(),
            self.accelerator.unwrap_model(self.model).disable_adapter(),
            self._packed(),
            self.accelerator.autocast(),
        ):
            found: Tensor = (
                self._base().base_model(input_ids=ids, attention_mask=seen, use_cache=False).last_hidden_state
            )
        return found

    def _head(self) -> Any:
        return self._base().get_output_embeddings()

    def _logits(self, hidden: Tensor) -> Tensor:
        head = self._head()
        logits: Tensor = head(hidden.to(head.weight.dtype)).float()
        cap = getattr(self._base().config.get_text_config(), "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits

    def _look_at_head(self, hidden: Tensor, tokens: Tensor, log_probs: Tensor) -> None:
        """Refuse a model whose logits are more than this output layer and its cap, once, by TRL's log-probabilities."""
        if self._head_is_known:
            return
        with torch.no_grad():
            ours = self._logits(hidden[:16]).log_softmax(-1).gather(1, tokens[:16, None]).squeeze(1)
            difference = (ours - log_probs[:16]).abs().mean().item()
        if not difference <= (CLOSE if hidden.dtype == torch.float32 else CLOSE_HALF):
            raise RunError(
                f"training.anchors kl: this model's log-probabilities differ from its output layer's by "
                f"{difference:.2g} nats a token; take training.anchors nll"
            )
        self._head_is_known = True

    def _log(self, name: str, total: Tensor, n: Tensor) -> None:
        """Log a mean over the anchors' tokens of all processes."""
        sums = self.accelerator.gather(torch.stack([total.float(), n.float()])[None])
        total, n = sums.sum(0)
        if n > 0 and hasattr(self, trl_internals.METRICS):
            mode = "train" if self.model.training else "eval"
            getattr(self, trl_internals.METRICS)[mode][name].append((total / n).item())
