"""Training on groups: all completions of a question in all its languages in one batch, each prompt run once.

A batch holds whole questions. Each of its rows is a prompt with one completion; the rows of a prompt are one *cell*, a
question in a language. :class:`GroupTrainer` scores the rows, log π(completion | prompt) summed over its tokens, and a
method turns the scores into a loss. Beginnings that rows share go through the model once
(:mod:`calm_ext.training.shared_prefix`), and no padding does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from transformers import Trainer, TrainingArguments
from trl.trainer.utils import add_fused_lm_head

from calm_ext.errors import RunError
from calm_ext.training.context import TrainingContext
from calm_ext.training.encoding import GroupRow
from calm_ext.training.messages import tell
from calm_ext.training.metering import counted
from calm_ext.training.response_head import score_responses_only
from calm_ext.training.shared_prefix import SharedPrefix, try_to_share


class Layout(NamedTuple):
    """Which rows of a batch belong together: R rows, C cells, A answers of cells, Q questions.

    Attributes:
        cell: (R,) the cell of each row.
        answer: (R,) the answer of each row, counted over all cells: rows of one cell that give one option share it.
        answer_cell: (A,) the cell of each answer.
        option: (A,) the option that each answer is.
        question: (C,) the question of each cell.
        elected: (C,) the answer, of the A, that the vote elected; -1 where the vote elected none.
        target: (A,) the vote's probability of each answer; those of a cell sum to 1, or are 0 where there is no vote.
        length: (R,) tokens of each completion.
        reference: (R,) log-probability of each completion by the untrained model.
    """

    cell: torch.Tensor
    answer: torch.Tensor
    answer_cell: torch.Tensor
    option: torch.Tensor
    question: torch.Tensor
    elected: torch.Tensor
    target: torch.Tensor
    length: torch.Tensor
    reference: torch.Tensor


def lay_out(questions: Sequence[GroupRow]) -> Layout:
    """The layout of a batch of questions, its rows in the order of cells and completions."""
    columns: dict[str, list[Any]] = defaultdict(list)
    n_cells = n_answers = 0
    for number, question in enumerate(questions):
        for cell in question.cells:
            own = list(dict.fromkeys(cell.answers))
            told = question.probabilities or [0.0] * (max(own) + 1)
            whole = sum(told[o] for o in own) or 1.0
            columns["cell"] += [n_cells] * len(cell.answers)
            columns["answer"] += [n_answers + own.index(a) for a in cell.answers]
            columns["answer_cell"] += [n_cells] * len(own)
            columns["option"] += own
            columns["question"].append(number)
            columns["elected"].append(n_answers + own.index(question.winner) if question.winner in own else -1)
            columns["target"] += [told[o] / whole for o in own]
            columns["length"] += [len(c) for c in cell.completions]
            columns["reference"] += cell.reference or [float("nan")] * len(cell.answers)
            n_cells, n_answers = n_cells + 1, n_answers + len(own)
    floats = ("target", "reference")
    return Layout(
        *(torch.tensor(columns[k], dtype=torch.float32 if k in floats else torch.long) for k in Layout._fields)
    )


def collate(questions: Sequence[GroupRow], pad: int) -> dict[str, torch.Tensor]:
    """Rows padded on the right (``input_ids``, ``attention_mask``, ``labels``), and the layout's tensors."""
    rows = [(cell.prompt, target) for q in questions for cell in q.cells for target in cell.completions]
    width = max(len(p) + len(t) for p, t in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for i, (prompt, target) in enumerate(rows):
        end = len(prompt) + len(target)
        ids[i, :end] = torch.tensor(prompt + target)
        mask[i, :end] = 1
        labels[i, len(prompt) : end] = torch.tensor(target)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, **lay_out(questions)._asdict()}


#: A method's loss: ``loss(scores, layout)``, scores (R,) the summed log-probabilities of a batch's rows; the loss and
#: the numbers to log.
Loss = Callable[[torch.Tensor, Layout], tuple[torch.Tensor, dict[str, float]]]


class GroupTrainer(Trainer):
    """Scores the rows of a batch of questions and minimises a method's loss.

    Args:
        loss: the method's.
        needs_reference: the loss reads the untrained model's scores; those that are not known are computed first.
        share: run prompts once, if a trial shows that the model can.
    """

    def __init__(
        self,
        model: Any,
        args: Any,
        *,
        train_dataset: Sequence[GroupRow],
        tokenizer: Any,
        loss: Loss,
        needs_reference: bool = False,
        share: bool = True,
        **kwargs: Any,
    ) -> None:
        self.model: Any
        self.train_dataset: Any
        args.remove_unused_columns = False
        pad = tokenizer.pad_token_id
        add_fused_lm_head(model.get_base_model())
        if args.gradient_checkpointing:
            model.enable_input_require_grads()
        super().__init__(
            model,
            args,
            train_dataset=list(train_dataset),
            data_collator=lambda questions: collate(questions, pad),
            processing_class=tokenizer,
            **kwargs,
        )
        self.loss = loss
        self.model_accepts_loss_kwargs = False  # the loss is a mean over a batch, so steps average over batches
        self.sharing: SharedPrefix | None = None
        self._seen: dict[str, list[float]] = defaultdict(list)
        if share:
            self.sharing = try_to_share(
                self, model.get_base_model(), self._trial, otherwise="prompts are run once for each completion"
            )
        if needs_reference:
            self.train_dataset = self._with_reference(self.train_dataset)

    def scores(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """(R,) log-probability of each row's completion after its prompt, in nats."""
        inputs = {k: batch[k] for k in ("input_ids", "attention_mask", "labels")}
        with self.sharing.on() if self.sharing else nullcontext():
            found: torch.Tensor = model(**inputs, fused_lm_head=True).log_probs
        return found.float().sum(1)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The method's loss of a batch."""
        loss, seen = self.loss(self.scores(model, inputs), Layout(*(inputs[k] for k in Layout._fields)))
        for name, value in seen.items():
            self._seen[name].append(value)
        return (loss, {}) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """With the means of what the loss had to say since the last time."""
        means = {name: sum(values) / len(values) for name, values in self._seen.items() if values}
        self._seen.clear()
        super().log({**logs, **means}, *args, **kwargs)

    def _trial(self) -> dict[str, torch.Tensor]:
        """Two rows of the longest prompt, to see whether the model can share it."""
        cell = max((c for q in self.train_dataset for c in q.cells), key=lambda c: len(c.prompt))
        two = cell._replace(completions=cell.completions[:2], answers=cell.answers[:2], reference=None)
        batch = collate([GroupRow(None, None, [two])], 0)
        keys = ("input_ids", "attention_mask")
        return {**{k: batch[k] for k in keys}, "completion_mask": (batch["labels"] != -100).long()}

    def _with_reference(self, questions: Sequence[GroupRow]) -> list[GroupRow]:
        """The questions with the untrained model's scores; each process computes all that it may meet.

        Raises:
            RunError: some are not known, and the model is sharded.
        """
        unknown = [i for i, q in enumerate(questions) if any(c.reference is None for c in q.cells)]
        found = list(questions)
        size = self.args.per_device_train_batch_size
        if unknown and (self.is_deepspeed_enabled or self.is_fsdp_enabled):
            raise RunError(
                "the untrained model's scores need the whole model in each process, and launch.accelerate_config "
                "shards it; take recipes/accelerate/multi-gpu.yaml"
            )
        if unknown and self.is_world_process_zero():
            tell("note", message=f"reference log-probabilities of {len(unknown)} of {len(found)} questions")
        with torch.no_grad(), counted(self.model), self.model.disable_adapter(), self.accelerator.autocast():
            for start in range(0, len(unknown), size):
                places = unknown[start : start + size]
                batch = collate([found[i] for i in places], 0)
                scores = iter(self.scores(self.model, {k: v.to(self.model.device) for k, v in batch.items()}).tolist())
                for i in places:
                    cells = [c._replace(reference=[next(scores) for _ in c.completions]) for c in found[i].cells]
                    found[i] = found[i]._replace(cells=cells)
        return found


def group_trainer(
    context: TrainingContext, rows: Sequence[GroupRow], loss: Loss, *, needs_reference: bool
) -> GroupTrainer:
    """The trainer of a method on groups.

    Raises:
        RunError: there is no group to train on.
    """
    if not rows:
        raise RunError("there is no question to train on: the vote decided none")
    if not context.gpu:
        score_responses_only()
    return GroupTrainer(
        context.peft_model(),
        TrainingArguments(**replace(context, rows=rows).arguments()),
        train_dataset=rows,
        tokenizer=context.tokenizer,
        loss=loss,
        needs_reference=needs_reference,
        callbacks=list(context.callbacks),
    )
