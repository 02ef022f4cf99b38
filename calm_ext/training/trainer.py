"""TRL's DPOTrainer on encoded pairs, with nothing computed twice: prompts once a step, the reference once a run.

Loss, metrics and their names, batches and their order are TRL's own. What differs:

- equal beginnings within a batch run through the model once, padding not at all
  (:mod:`calm_ext.training.shared_prefix`). Batches need no sorting by length then, and the order stays the seed's;
- the reference's log-probabilities are read from a file (:mod:`calm_ext.training.reference`).

With LoRA's dropout (which TRL's default ``disable_dropout=True`` switches off) a shared token has one dropout mask,
where in TRL's batch chosen and rejected have their own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from trl import DPOTrainer

from calm_ext.models.meter import count_tokens, in_model
from calm_ext.training.reference import ReferenceCache, key_of, model_identity, pair_length
from calm_ext.training.shared_prefix import SharedPrefix, differs


class PairTrainer(DPOTrainer):
    """A DPOTrainer that takes pairs encoded beforehand (``prompt_ids``, ``chosen_ids``, ``rejected_ids``).

    Args:
        share: run prompts once, if a trial of the longest pair shows that the model can.
        reference: the folder that keeps the reference's log-probabilities; None: compute them in every step, as TRL.
        model_path: the folder or hub name that the model is from, for the reference's key.
    """

    def __init__(
        self, *args: Any, share: bool = True, reference: Path | None = None, model_path: str = "", **kwargs: Any
    ) -> None:
        self.sharing: SharedPrefix | None = None
        self._counting = False
        self.train_dataset: Any
        self.model: Any
        self.args: Any
        super().__init__(*args, **kwargs)
        if share:
            self._try_to_share()
        sharded = self.is_deepspeed_enabled or self.is_fsdp_enabled
        if reference is not None and isinstance(self.model, PeftModel) and not sharded:
            self._read_reference(reference, model_path)

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _try_to_share(self) -> None:
        """Share prompts where a trial shows that it is the same; else say why not, once."""
        if self.is_deepspeed_enabled or self.is_fsdp_enabled:
            reason: str | None = "its parameters are sharded"
        elif self.aux_loss_enabled:
            reason = "its router loss counts tokens"
        else:
            model = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
            longest = max(self.train_dataset, key=pair_length)
            batch = {k: v.to(self.accelerator.device) for k, v in self.data_collator([longest]).items()}
            try:
                self.sharing = SharedPrefix(model)
                reason = differs(self, self.sharing, batch)
            except (ValueError, AttributeError) as error:
                reason = str(error)
        if reason is None:
            return
        if self.sharing:
            self.sharing.remove()
            self.sharing = None
        if self.is_world_process_zero():
            print(f"prompts are run twice, for chosen and rejected, as TRL does: {reason}", file=sys.stderr)

    def _read_reference(self, folder: Path, model_path: str) -> None:
        key = key_of(
            model_identity(self.model, model_path),
            dtype=str(self.model.dtype),
            precision=self.accelerator.mixed_precision,
            device=self.accelerator.device.type,
            max_length=self.args.max_length,
            truncation=self.args.truncation_mode,
        )
        cache = ReferenceCache(folder, key)
        rows = list(self.train_dataset)
        cache.fill(self, rows, batch_size=self.args.per_device_train_batch_size)
        for name, column in cache.columns(rows).items():
            self.train_dataset = self.train_dataset.add_column(name, column)
        self.precompute_ref_logps = True

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Within, batches run packed where the model can, and their time and tokens are counted."""
        outermost, self._counting = not self._counting, True
        embedding = self.model.get_input_embeddings()
        handle = embedding.register_forward_hook(_count) if outermost else None
        try:
            with in_model(), self.sharing.on() if self.sharing else nullcontext():
                yield
        finally:
            if handle is not None:
                handle.remove()
                self._counting = False

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
        """TRL's, packed."""
        with self._running():
            return super().compute_ref_log_probs(model, inputs)

    def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
        with self._running():
            return super()._compute_loss(model, inputs, return_outputs)


def _count(_: Any, __: Any, embedded: torch.Tensor) -> None:
    count_tokens(embedded.numel() // embedded.shape[-1])
