"""A model in several processes, for the one that asks: an lm-eval model whose calls are answered by the others.

The first of them (:mod:`calm_ext.models.processes.worker`) talks to this process by a local socket; what it is asked it
hands on to the others. So sampling and evaluation stay as they are: one process writes, resumes and reports.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tqdm import tqdm

from calm_ext.errors import CalmError
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.processes.machines import Lead, Start, flags_of_machine
from calm_ext.models.processes.options import LaunchOptions, processes_here, threads_of
from calm_ext.models.processes.start import TO_END, command, end_group, environment, reason_in, relay, was_killed
from calm_ext.models.request import Reply, SampleRequest

logger = logging.getLogger(__name__)

#: Environment variables that tell the first process where this one listens, and the key of the connection.
ADDRESS, KEY = "CALM_MODEL_ADDRESS", "CALM_MODEL_KEY"
_WORKER = "calm_ext.models.processes.worker"
#: Lines of what the processes print that are kept to say why they ended.
_KEPT = 200
#: Flags of ``accelerate launch`` by which each process holds a whole model, whatever a config has for training.
_WHOLE = ["--multi_gpu"]


class LaunchedLM(LM):
    """A model that the processes of an accelerate config hold, each a whole one.

    Calls give what :class:`calm_ext.models.lm.SharedPrefixLM` gives in one process.

    Args:
        config: the accelerate config.
        lead: of the config's other machines, whose processes then take part; without, those of this machine are all.
        arguments: of :func:`calm_ext.models.lm.load_lm`.

    Attributes:
        watch: as that of SharedPrefixLM.
        tokenizer: the model's.

    Raises:
        CalmError: the model cannot be loaded; the message of the process that could not.
    """

    watch: Callable[[int], Callable[[int], None]] | None = None

    def __init__(self, config: str, *, lead: Lead | None = None, tokenizer: Any = None, **arguments: Any) -> None:
        super().__init__()
        self.batch_size_per_gpu = int(arguments["batch_size"])
        self.chat_template_args = dict(arguments.get("template_args") or {})
        self._said: deque[str] = deque(maxlen=_KEPT)
        key = secrets.token_bytes(32)
        around = environment()
        threads = threads_of(Path(config))
        if threads is not None:
            around.setdefault("OMP_NUM_THREADS", str(threads))
        with Listener(("localhost", 0), authkey=key) as listener:
            around |= {"TQDM_DISABLE": "1", ADDRESS: str(listener.address[1]), KEY: key.hex()}
            alike: dict[str, str] = {x: around[x] for x in ("TQDM_DISABLE", "OMP_NUM_THREADS") if x in around}
            start = lead.start(_WORKER, flags=_WHOLE, environment=alike) if lead else None
            self._process = subprocess.Popen(
                command(
                    _WORKER,
                    accelerate_config=config,
                    flags=flags_of_machine(start, 0) if start else _flags(config),
                ),
                env=around,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this process, which ends them
            )
            ended = threading.Event()
            self.close = weakref.finalize(self, _end, self._process, ended, lead, start)
            threading.Thread(target=relay, args=(self._process, self._said, ended), daemon=True).start()
            self._line = self._accepted(listener)
        self._about = self._ask("load", arguments)
        if tokenizer is None:
            from calm_ext.models.find import load_tokenizer

            tokenizer = load_tokenizer(self._about["path"], trust_remote_code=bool(arguments.get("trust_remote_code")))
        self.tokenizer = tokenizer

    def _accepted(self, listener: Listener) -> Connection:
        """The connection of the first process; an end of the processes before that ends the waiting."""
        found: list[Connection] = []

        def wait() -> None:
            try:
                found.append(listener.accept())
            except Exception as error:
                logger.debug("no process connected: %s", error)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
            if self._process.poll() is not None and not found:
                raise self._ended()
        if not found:
            raise self._ended()
        return found[0]

    def _ask(self, what: str, *arguments: Any) -> Any:
        """Have a call done by the processes.

        Raises:
            CalmError: it failed, or they have ended.
        """
        advance: Callable[[int], None] | None = None
        bars: list[tqdm[Any]] = []

        def bar(total: int) -> Callable[[int], Any]:
            bars.append(tqdm(total=total, desc="Scoring options" if what == "loglikelihood" else "Requests"))
            return bars[-1].update

        try:
            self._line.send((what, self.batch_size_per_gpu, arguments))
            while True:
                kind, value = self._line.recv()
                if kind == "total":
                    advance = self.watch(value) if self.watch else bar(value)
                elif kind == "progress" and advance:
                    advance(value)
                elif kind == "warning":
                    logger.warning("%s", value)
                elif kind == "tokens":
                    count_tokens(value)
                elif kind == "failed":
                    raise CalmError(value)
                elif kind == "done":
                    return value
        except (EOFError, OSError):
            raise self._ended() from None
        finally:
            for shown in bars:
                shown.close()

    def _ended(self) -> CalmError:
        """Why the processes are gone."""
        try:
            code = self._process.wait(TO_END)
        except subprocess.TimeoutExpired:
            code = 0
        self.close()
        said = "\n".join(self._said)
        reason = "one was killed, as where a machine runs out of memory" if was_killed(code, said) else reason_in(said)
        return CalmError(f"the processes that hold the model have ended (exit code {code}): {reason}")

    # --- what lm-eval and the sampler ask for

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("loglikelihood", requests)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("loglikelihood_rolling", requests)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("generate_until", requests)

    def _answered(self, what: str, requests: Sequence[Instance]) -> list[Any]:
        with in_model():
            found: list[Any] = self._ask(what, [request.args for request in requests])
        for request, answer in zip(requests, found, strict=True):
            self.cache_hook.add_partial(what, request.args, answer)
        return found

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[Reply]]:
        """See :class:`calm_ext.models.backends.Backend`."""
        with in_model():
            found: list[list[Reply]] = self._ask("respond", list(requests), temperature, top_p, max_new_tokens)
        return found

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """See :class:`lm_eval.api.model.LM`."""
        return str(self._ask("apply_chat_template", chat_history, add_generation_prompt))

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """See :class:`lm_eval.api.model.LM`."""
        found: str | None = self._ask("chat_template", chat_template)
        return found

    @property
    def tokenizer_name(self) -> str:
        """See :class:`lm_eval.api.model.LM`."""
        return str(self._about["tokenizer_name"])

    @property
    def max_length(self) -> int:
        """Tokens of the model's context."""
        return int(self._about["max_length"])

    @property
    def eot_token_id(self) -> int | None:
        """The token that ends a text."""
        found: int | None = self._about["eot_token_id"]
        return found

    def get_model_info(self) -> Mapping[str, Any]:
        """What lm-eval's results say of a Hugging Face model."""
        found: Mapping[str, Any] = self._about["info"]
        return found


def _flags(config: str) -> list[str]:
    """What asking needs of ``accelerate launch``, whatever a config has for training: whole models, this machine."""
    here = processes_here(Path(config))
    return [*_WHOLE, "--num_machines", "1", *(["--num_processes", str(here)] if here else [])]


def load(path: str, *, launch: LaunchOptions, lead: Lead | None = None, tokenizer: Any = None, **arguments: Any) -> Any:
    """A model for sampling and evaluation: in this process, or in those of an accelerate config.

    Args:
        lead: of the other machines of the config, where they take part.
        arguments: of :func:`calm_ext.models.lm.load_lm`.

    Raises:
        CalmError: it cannot be loaded; one line says why.
    """
    if launch.several or lead is not None:
        return LaunchedLM(str(launch.accelerate_config), lead=lead, tokenizer=tokenizer, path=path, **arguments)
    from calm_ext.models.lm import load_lm

    return load_lm(path, tokenizer=tokenizer, **arguments)


def _end(process: subprocess.Popen[bytes], ended: threading.Event, lead: Lead | None, start: Start | None) -> None:
    """End the processes, on all machines."""
    if lead is not None and start is not None:
        lead.stop(start)
    end_group(process, ended)
