"""TRL's internal names that training uses, in one place.

They are no interface: any release of TRL may rename them. So each is looked up before it is used, and where one is
missing, training takes TRL's own path, which is slower but gives the same loss, and says so in one line of the log
(:func:`has`); a loss that TRL does not have is refused in one line (:func:`need`).
"""

from __future__ import annotations

import os
from typing import Any

import trl
from trl.trainer import utils

from calm_ext.errors import RunError
from calm_ext.training.messages import tell

UTILS: Any = utils

#: In :data:`UTILS`: the test for Triton, by which TRL's output layer decides whether to score all positions or the
#: responses' only, and the function that turns hidden states into log-probabilities.
USE_TRITON, LOGPROBS = "_use_triton", "_ChunkedLogProbFunction"
#: Of ``DPOTrainer``: the method that computes a batch's reference, and the attribute of an instance that, where it is
#: true, has the loss read the reference from the batch.
REFERENCE, REFERENCE_IS_GIVEN = "compute_ref_log_probs", "precompute_ref_logps"
#: Of ``GRPOTrainer``: the method that gives the order of the prompts, which we override.
SAMPLER = "_get_train_sampler"
#: Of the model's output in ``DPOTrainer``'s loss: (rows, tokens - 1), 0 where a token is not of a response.
LOG_PROBS = "log_probs"
#: Of an instance of TRL's trainers: what is averaged into the next line of the log, by mode and name.
METRICS = "_metrics"


def has(owner: Any, *names: str, otherwise: str) -> bool:
    """Whether TRL has the names that this version of calm-ext knows; if not, the first process prints a note.

    Args:
        otherwise: what happens without them, for the note.
    """
    missing = [name for name in names if not hasattr(owner, name)]
    if missing and os.environ.get("RANK", "0") == "0":
        place = getattr(owner, "__name__", type(owner).__name__)
        tell("note", message=f"note: TRL {trl.__version__} has no {place}.{missing[0]}: {otherwise}")
    return not missing


def need(owner: Any, *names: str, wanted: str) -> None:
    """Refuse what cannot be done without names that TRL lacks.

    Args:
        wanted: what needs them.

    Raises:
        RunError: one is missing.
    """
    for name in names:
        if not hasattr(owner, name):
            place = type(owner).__name__
            raise RunError(f"TRL {trl.__version__} has no {place}.{name}, which {wanted} needs: install TRL 1.16")
