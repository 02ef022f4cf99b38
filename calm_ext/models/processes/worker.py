"""One of the processes that hold a model: loads it, and does the calls of the process that started them all.

Run by ``accelerate launch``. The first process receives each call and hands it to the others; all do it at once, each
its share of the batches (:mod:`calm_ext.models.processes.group`).
"""

from __future__ import annotations

import datetime
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection
from typing import Any

import torch
import torch.distributed as dist
from lm_eval.api.instance import Instance

from calm_ext.errors import CalmError
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.device import find_device
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.meter import reading
from calm_ext.models.processes.group import Group, join
from calm_ext.models.processes.model import ADDRESS, KEY
from calm_ext.models.processes.start import end_with_parent
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.models.scoring import reads_trees

#: What a launcher tells its processes. Once the group is joined they are taken away: each process then loads and runs
#: its model as one that is alone, and no library shares work or weights a second time.
_LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK")

#: Batches that each process does of requests that are dealt out, before it says how far it is.
_HAND = 16


class Worker:
    """This process's model, and the calls that it answers, each under the name of its method.

    Args:
        line: to the process that asks; the first process has one.
    """

    def __init__(self, group: Group, local_rank: int, line: Connection | None) -> None:
        self.group, self.local_rank, self.line = group, local_rank, line
        self.lm: SharedPrefixLM
        self._telling = threading.Lock()  # a lane tells how far it is, another one that it warns

    def load(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Load the model, on a device of this process's own where there are several."""
        wanted = arguments.pop("device", None)
        device = find_device(wanted)
        kind = device.partition(":")[0]
        if kind in ("cuda", "xpu"):
            module = getattr(torch, kind)
            if ":" not in (wanted or ""):
                device = f"{kind}:{self.local_rank % module.device_count()}"
            module.set_device(device)  # for what names no number, as PEFT where it reads an adapter
        try:
            self.lm, wrong = load_lm(**arguments, device=device), ""
        except CalmError as error:
            wrong = str(error)
        reason = next((x for x in self.group.gather(wrong) if x), None)
        if reason is not None:
            raise CalmError(reason)
        if self.line is not None:
            self.lm.watch = self._watch
        return {
            "path": arguments["path"],
            "max_length": self.lm.max_length,
            "eot_token_id": self.lm.eot_token_id,
            "tokenizer_name": self.lm.tokenizer_name,
            "info": self.lm.get_model_info(),
        }

    def _watch(self, total: int) -> Callable[[int], None]:
        """Report how far all processes are, by how far this one is."""
        self.tell("total", total)
        done = 0

        def advance(n: int) -> None:
            nonlocal done
            now = min(total, done + n * self.group.size)
            self.tell("progress", now - done)
            done = now

        return advance

    def tell(self, kind: str, value: Any) -> None:
        """Send a message to the process that asks."""
        if self.line is not None:
            with self._telling:
                self.line.send((kind, value))

    def loglikelihood(self, arguments: Sequence[tuple[Any, ...]]) -> list[tuple[float, bool]]:
        """lm-eval's; the batches are shared where prompts are scored with all their continuations."""
        return self._scored("loglikelihood", arguments)

    def loglikelihood_rolling(self, arguments: Sequence[tuple[Any, ...]]) -> list[float]:
        """lm-eval's."""
        return self._scored("loglikelihood_rolling", arguments)

    def _scored(self, what: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        if self.lm.backend != "causal" or not reads_trees(self.lm.model):
            return self._dealt(what, arguments)
        return list(getattr(self.lm, what)(_instances(what, arguments)))

    def generate_until(self, arguments: Sequence[tuple[Any, ...]]) -> list[str]:
        """lm-eval's, each process a share of the requests."""
        return self._dealt("generate_until", arguments)

    def _dealt(self, what: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Requests dealt out to the processes, for calls that batch by themselves."""

        watched = self._watch(len(arguments)) if self.line is not None else None

        def work(hand: Sequence[tuple[Any, ...]]) -> list[Any]:
            join(None)  # they share nothing more
            try:
                return list(getattr(self.lm, what)(_instances(what, hand), disable_tqdm=True))
            finally:
                join(self.group)

        found: list[Any] = []
        for start in range(0, len(arguments), step := _HAND * self.group.size * self.lm.prompts_per_pass):
            part = arguments[start : start + step]
            found += self.group.deal(part, work)
            if watched is not None:
                watched(-(-len(part) // self.group.size))
        return found

    def respond(
        self, requests: Sequence[SampleRequest], temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`calm_ext.models.backends.Backend`. What lm-eval must sample, all do: it has one seed for all."""
        backend = HFBackend(self.lm)
        return backend.respond(requests, temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens)

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool) -> str:
        """lm-eval's."""
        return str(self.lm.apply_chat_template(history, add_generation_prompt=add_generation_prompt))

    def chat_template(self, chat_template: bool | str) -> str | None:
        """lm-eval's."""
        found: str | None = self.lm.chat_template(chat_template)
        return found

    def serve(self) -> None:
        """Do calls until the process that asks is gone."""
        while True:
            try:
                call = self.group.from_first(self._next() if self.line is not None else None)
            except RuntimeError:
                if self.line is not None:
                    raise
                return  # the first one was ended, perhaps on another machine
            if call is None:
                return
            what, batch_size, arguments = call
            if what != "load":
                self.lm.batch_size_per_gpu = batch_size
            before = reading()
            try:
                found = getattr(self, what)(*arguments)
            except CalmError as error:
                self.tell("failed", str(error))
                continue
            tokens = sum(self.group.gather(reading().since(before).tokens))
            self.tell("tokens", tokens)
            self.tell("done", found)

    def _next(self) -> Any:
        assert self.line is not None
        try:
            return self.line.recv()
        except (EOFError, OSError):
            return None


def _instances(kind: Any, arguments: Sequence[tuple[Any, ...]]) -> list[Instance]:
    return [Instance(request_type=kind, doc={}, arguments=own, idx=i) for i, own in enumerate(arguments)]


class _Told(logging.Handler):
    """Sends warnings to the process that asks."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(logging.WARNING)
        self.worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        """Send the message."""
        self.worker.tell("warning", record.getMessage())


def main() -> None:
    """Join the others, load the model, do calls."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    # Objects go between the processes, no tensors: gloo does that on every machine. A call may take days to come.
    dist.init_process_group("gloo", timeout=datetime.timedelta(days=365))
    group = Group(dist.get_rank(), dist.get_world_size())
    local_rank = int(os.environ.get("LOCAL_RANK", group.rank))
    for name in [x for x in os.environ if x in _LAUNCHED or x.startswith(("ACCELERATE_", "FSDP_", "TORCHELASTIC_"))]:
        del os.environ[name]
    if threads := os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(int(threads))
    line = None
    if group.rank == 0:
        line = Client(("localhost", int(os.environ[ADDRESS])), authkey=bytes.fromhex(os.environ[KEY]))
    worker = Worker(group, local_rank, line)
    ours = logging.getLogger("calm_ext")
    ours.propagate = False
    ours.addHandler(_Told(worker) if line is not None else logging.NullHandler())
    join(group)
    worker.serve()
    dist.destroy_process_group()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    try:
        main()
    except CalmError as error:
        sys.exit(f"error: {error}")
