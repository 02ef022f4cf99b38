"""Draw a token from logits, by one uniform number: the inverse of the cumulative distribution.

Taken is the first token, in the order of the vocabulary, whose cumulated probability exceeds the number. What is left
of the distribution is what transformers' ``generate`` leaves of it (``transformers.generation.logits_process``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

#: Of a model's generation config: what would change the distribution and is not done here.
NOT_DONE = (
    "bad_words_ids", "begin_suppress_tokens", "epsilon_cutoff", "eta_cutoff", "exponential_decay_length_penalty",
    "forced_bos_token_id", "forced_eos_token_id", "guidance_scale", "min_length", "min_new_tokens",
    "no_repeat_ngram_size", "num_beams", "sequence_bias", "suppress_tokens", "top_h", "typical_p",
    "watermarking_config",
)  # fmt: skip


def not_done(config: Any) -> list[str]:
    """What a generation config says of :data:`NOT_DONE`."""
    return [x for x in NOT_DONE if getattr(config, x, None) not in (None, 0, 1)]


#: Kinds of devices on which float64 is not there, or not on all.
SINGLE = ("mps", "xpu")


def single(uniform: torch.Tensor) -> torch.Tensor:
    """Numbers in [0, 1) as float32, for a device that has no float64; none is rounded up to 1."""
    return uniform.float().clamp(max=1 - 2**-24)


class Drawing(NamedTuple):
    """How a token is drawn; what transformers' ``generate`` would do, its defaults included.

    Attributes:
        temperature: 0 takes the likeliest token.
        top_k: tokens that are left; 0 for all.
        top_p, min_p: the fewest likeliest tokens that have this probability together; those with this share of the
            likeliest one's.
        repetition_penalty: of tokens seen before; 1 for none.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    @classmethod
    def of(cls, config: Any, *, temperature: float, top_p: float) -> Drawing:
        """With what a model's generation config says beside; where it says nothing of top_k, transformers says 50."""
        return cls(
            temperature=temperature,
            top_p=top_p,
            top_k=50 if config.top_k is None else config.top_k,
            min_p=config.min_p or 0.0,
            repetition_penalty=config.repetition_penalty or 1.0,
        )

    def draw(
        self, logits: torch.Tensor, uniform: torch.Tensor, seen: torch.Tensor, rows: torch.Tensor | None = None
    ) -> torch.Tensor:
        """A token for each number.

        Args:
            logits: [rows, vocabulary].
            uniform: [draws], in [0, 1).
            seen: [rows, any], the tokens before.
            rows: [draws], of which row each number draws; by default one of each.
        """
        import torch

        scores = logits.float()
        if self.repetition_penalty != 1.0:
            old = scores.gather(1, seen)
            scores = scores.scatter(
                1, seen, torch.where(old < 0, old * self.repetition_penalty, old / self.repetition_penalty)
            )
        if self.temperature == 0:
            best = scores.argmax(-1)
            return best if rows is None else best[rows]
        tokens = None
        if 0 < self.top_k < scores.shape[1]:
            scores, tokens = scores.topk(self.top_k)
        elif self.top_p < 1:
            scores, tokens = scores.sort(descending=True)
        kind = torch.float32 if logits.device.type in SINGLE else torch.float64
        probabilities = (scores.to(kind) / self.temperature).softmax(-1)
        if self.top_p < 1:
            before = probabilities.cumsum(-1) - probabilities
            probabilities = probabilities.masked_fill(before >= self.top_p, 0)
        if self.min_p:
            probabilities = probabilities.masked_fill(probabilities < self.min_p * probabilities.amax(-1, True), 0)
        if tokens is not None:  # in the order of the vocabulary: which of two like probabilities is larger is noise
            tokens, order = tokens.sort()
            probabilities = probabilities.gather(1, order)
        cumulated = probabilities.cumsum(-1)
        if rows is not None:
            cumulated = cumulated[rows]
            tokens = None if tokens is None else tokens[rows]
        at = torch.searchsorted(cumulated, uniform.to(cumulated)[:, None] * cumulated[:, -1:], right=True)
        at = at.clamp(max=cumulated.shape[1] - 1)
        return (at if tokens is None else tokens.gather(1, at))[:, 0]
