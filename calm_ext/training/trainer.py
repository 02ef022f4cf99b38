"""TRL's DPOTrainer on encoded pairs, with nothing computed twice: prompts once a step, the reference once a run.

Loss, metrics and their names, batches and their order are TRL's own. What differs:

- equal beginnings within a batch run through the model once, padding not at all
  (:mod:`calm_ext.training.shared_prefix`). Batches need no sorting by length then, and the order stays the seed's;
- the reference's log-probabilities are read from a file (:mod:`calm_ext.training.reference`).

With LoRA's dropout (which TRL's default ``disable_dropout=True`` switches off) a shared token has one dropout mask,
where in TRL's batch chosen and rejected have their own.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from peft import PeftModel
from trl import DPOTrainer

from calm_ext.training import trl_internals
from calm_ext.training.metering import counted
from calm_ext.training.reference import ReferenceCache, key_of, model_identity, pair_length
from calm_ext.training.shared_prefix import SharedPrefix, try_to_share


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
        self.train_dataset: Any
        self.model: Any
        self.args: Any
        super().__init__(*args, **kwargs)
        if share:
            self._try_to_share()
        sharded = self.is_deepspeed_enabled or self.is_fsdp_enabled
        if reference is not None and isinstance(self.model, PeftModel) and not sharded:
            again = "each step computes the reference again"
            names = ((DPOTrainer, trl_internals.REFERENCE), (self, trl_internals.REFERENCE_IS_GIVEN))
            if all(trl_internals.has(owner, name, otherwise=again) for owner, name in names):
                self._read_reference(reference, model_path)

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _try_to_share(self) -> None:
        self.sharing = try_to_share(
            self,
            self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model,
            lambda: self.data_collator([max(self.train_dataset, key=pair_length)]),
            otherwise="prompts are run twice, for chosen and rejected, as TRL does",
        )

    def _read_reference(self, folder: Path, model_path: str) -> None:
        key = key_of(
            model_identity(self.model, model_path),
            dtype=str(self.model.dtype),
            precision=self.accelerator.mixed_precision,
            device=self.accelerator.device.type,
            max_length=self.args.max_length,
            truncation=getattr(self.args, "truncation_mode", None),
        )
        cache = ReferenceCache(folder, key)
        rows = list(self.train_dataset)
        cache.fill(self, rows, batch_size=self.args.per_device_train_batch_size)
        for name, column in cache.columns(rows).items():
            self.train_dataset = self.train_dataset.add_column(name, column)
        setattr(self, trl_internals.REFERENCE_IS_GIVEN, True)

    def _packed(self) -> AbstractContextManager[None]:
        """Within, batches run packed where the model can."""
        return self.sharing.on() if self.sharing else nullcontext()

    def compute_ref_log_probs(self, model: Any, inputs: Any) -> Any:
        """TRL's, packed; counted, because it runs before the first step."""
        with counted(self.model), self._packed():
            return super().compute_ref_log_probs(model, inputs)

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """TRL's, packed."""
        with self._packed():
            return super().compute_loss(model, inputs, *args, **kwargs)
