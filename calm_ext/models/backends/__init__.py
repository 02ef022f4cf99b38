"""What answers prompts: one file a backend, all of them used in the same way.

A backend is a class that answers prompts and a name under which recipes and ``calm-ext sample`` find it. A file in this
folder, or a module that a package names under the entry point ``calm_ext.plugins``, adds one::

    from calm_ext.models.backends import Backend, Setup, backend
    from calm_ext.options import Section

    class EchoArguments(Section):
        times: int = 1
        \"\"\"How often a prompt is repeated.\"\"\"

    @backend("echo", "repeats the prompt", options=EchoArguments)
    class Echo(Backend):
        def __init__(self, setup: Setup) -> None:
            self.times = setup.arguments.times

        def respond(self, requests, *, temperature, top_p, max_new_tokens):
            return [[r.text * self.times for _ in r.seeds] for r in requests]

        def loglikelihood(self, requests, disable_tqdm=False):
            return [(-float(len(r.args[1])), False) for r in requests]

        def apply_chat_template(self, history, add_generation_prompt=True):
            return history[-1]["content"]

        def close(self):
            pass

A recipe then says ``sampling: {backend: echo, backend_args: {times: 2}}``. The decorator also takes a function from a
:class:`Setup` to a :class:`Backend`. Import torch, an engine or a client inside the functions that need them: a recipe
is checked without them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from calm_ext.errors import CalmError
from calm_ext.models.processes.options import LaunchOptions
from calm_ext.options import Section
from calm_ext.plugins import Registry

if TYPE_CHECKING:
    from types import TracebackType

    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM

    from calm_ext.files.journal import Journal
    from calm_ext.models.options import ModelOptions
    from calm_ext.models.request import Reply, SampleRequest

B = TypeVar("B", bound="Backend")
Make = TypeVar("Make", bound="Callable[[Setup], Backend]")


class Backend(ABC):
    """A model that :func:`calm_ext.harness.sampler.sample` asks; a context manager that closes it.

    Attributes:
        chunk: questions that are asked at once; an interrupted run loses at most one chunk.
        tokenizer: the model's, or None.
        world_size: processes that share the work; sampling takes one.
        paid: a response is bought from a server, and depends on its own request alone. It is written to the journal as
            it comes, and read from there where an interrupted run asks for it again, so that none is paid for twice.
        watch: called while it responds or scores with the share of the requests that are done; whoever asks sets it.
        journal: where such a backend keeps them; whoever asks sets it. None where nobody keeps them.
    """

    chunk = 64
    world_size = 1
    tokenizer: Any = None
    paid = False
    watch: Callable[[float], None] | None = None
    journal: Journal | None = None

    @abstractmethod
    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> Sequence[Sequence[str | Reply]]:
        """The responses to each prompt, as many as it has seeds.

        A :class:`~calm_ext.models.request.Reply` says how a response ended, or that none came; a plain text is one
        about whose end nothing is known.
        """

    @abstractmethod
    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The log-probability of each continuation, and whether it is the greedy one, as lm-eval's classes."""

    @abstractmethod
    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """A conversation as the text of a :class:`~calm_ext.models.request.SampleRequest`."""

    def try_out(self, *, scored: bool, temperature: float, top_p: float, max_new_tokens: int) -> None:  # noqa: B027
        """One small request, before hours of other work; a backend in this process needs none.

        Args:
            scored: whether options will be scored.

        Raises:
            CalmError: it fails; one line says why.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the memory back."""

    def can_chat(self) -> bool:
        """Whether there is a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def __enter__(self: B) -> B:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def within(progress: Callable[[int], None], start: int, n: int) -> Callable[[float], None]:
    """:attr:`Backend.watch` that counts questions, of n from ``start`` on; the last one counts when all is written."""
    return lambda share: progress(start + min(n - 1, int(share * n)))


class NoArguments(Section):
    """For a backend that takes no ``sampling.backend_args``."""


@dataclass(frozen=True)
class Setup:
    """What a backend is loaded with.

    Attributes:
        model: the model; its ``path`` is a folder or hub name.
        arguments: ``sampling.backend_args`` as an object of the backend's options; without options a dict.
        batch_size: prompts in one forward pass, for a backend that does not batch by itself.
        chat: whether the prompts will be conversations.
        template_args: ``sampling.template_args``, which :meth:`Backend.apply_chat_template` hands to the template.
        tokenizer: the model's, where it is loaded already.
        lm: the model as lm-eval's class, where it is loaded already; only for a backend that shares it.
        scored: whether options will be scored; None where that is not known.
        launch: the processes that hold the model, for a backend that is none of its own.
    """

    model: ModelOptions
    arguments: Any = field(default_factory=dict)
    batch_size: int = 8
    chat: bool = False
    template_args: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Any = None
    lm: LM | None = None
    scored: bool | None = None
    launch: LaunchOptions = field(default_factory=LaunchOptions)


@dataclass(frozen=True)
class BackendEntry:
    """A backend by its name.

    Attributes:
        name: ``sampling.backend`` of a recipe.
        description: in a few words, for listings.
        make: starts it; :meth:`load` is the way to call it.
        options: the keys of ``sampling.backend_args``; None passes any keys on.
        package: what must be installed.
        hint: how to install it.
        remote: the model runs elsewhere. A run looks for it before it starts, and need not free memory for it.
        shares_lm: it samples with the model that lm-eval's class has loaded (:attr:`Setup.lm`), which evaluation uses.
    """

    name: str
    description: str
    make: Callable[[Setup], Backend]
    options: type[Section] | None = None
    package: str | None = None
    hint: str = ""
    remote: bool = False
    shares_lm: bool = False

    def missing(self) -> str | None:
        """What to install, in one line; None where everything is there."""
        if self.package is None or find_spec(self.package) is not None:
            return None
        how = f" ({self.hint})" if self.hint else ""
        return f"sampling.backend {self.name}: the package {self.package} is not installed{how}"

    def parse(self, arguments: Mapping[str, Any]) -> Any:
        """``sampling.backend_args``, validated; a dict where the backend declares no options.

        Raises:
            pydantic.ValidationError: a key or value that is not allowed.
        """
        return dict(arguments) if self.options is None else self.options.model_validate(arguments)

    def identity(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that change what is sampled: all but those in the options' ``TRANSPORT``."""
        transport: frozenset[str] = getattr(self.options, "TRANSPORT", frozenset())
        return {key: value for key, value in arguments.items() if key not in transport}

    def load(
        self,
        model: ModelOptions,
        *,
        arguments: Mapping[str, Any] | None = None,
        batch_size: int = 8,
        chat: bool = False,
        template_args: Mapping[str, Any] | None = None,
        tokenizer: Any = None,
        lm: LM | None = None,
        scored: bool | None = None,
        launch: LaunchOptions | None = None,
    ) -> Backend:
        """Load the model, start the engine, or find the server; see :class:`Setup`.

        Args:
            arguments: ``sampling.backend_args`` as the recipe has them.

        Raises:
            CalmError: it is not installed, cannot be started, or does not answer; one line says why.
            pydantic.ValidationError: an argument that is not allowed.
        """
        problem = self.missing()
        if problem:
            raise CalmError(problem)
        given = self.parse(arguments or {})
        setup = Setup(
            model,
            given,
            batch_size,
            chat,
            dict(template_args or {}),
            tokenizer,
            lm,
            scored,
            launch or LaunchOptions(),
        )
        return self.make(setup)


#: Name -> backend.
BACKENDS: Registry[BackendEntry] = Registry("sampling backend", "calm_ext.models.backends")


def backend(
    name: str,
    description: str,
    *,
    options: type[Section] | None = None,
    package: str | None = None,
    hint: str = "",
    remote: bool = False,
    shares_lm: bool = False,
) -> Callable[[Make], Make]:
    """Enter a class, or a function from a :class:`Setup` to a backend, into :data:`BACKENDS`.

    The arguments are described at :class:`BackendEntry`.

    Raises:
        CalmError: there is another backend of that name.
    """

    def enter(make: Make) -> Make:
        entry = BackendEntry(name, description, make, options, package, hint, remote, shares_lm)
        BACKENDS.add(name, entry)
        return make

    return enter
