"""A second device, without one: its tensors keep their numbers on the CPU, and refuse to be mixed with the CPU's.

Run as a program it does on this device what the CPU did before, and prints what differs; ``tests/test_second_device.py``
starts it, because a device is registered for a whole process. It stands in for a GPU where the question is on which
device a tensor is. What a GPU computes, how fast and in how much memory, it does not show.

As on a GPU: a CPU tensor meets one of the device only where it is a single number without dimensions, indexes, or is
copied; ``numpy()`` is refused. Each way back to the CPU is a copy that code asks for.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "elsewhere"
#: Where a GPU takes indices from the CPU, and where tensors go from one device to the other.
_MAY_MIX = {"index.Tensor", "index_put.default", "index_put_.default", "_index_put_impl_.default", "copy_.default"}


#: Number formats that the device lacks.
_REFUSED: list[torch.dtype] = []


class There(torch.Tensor):
    """A tensor of the second device."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> There:
        """With the numbers of a CPU tensor."""
        if held.dtype in _REFUSED:
            raise TypeError(f"{NAME} has no {held.dtype}")
        made: There = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=torch.device(NAME, 0),
        )  # fmt: skip
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute there."""
        return _done(func, args, kwargs or {})

    def tolist(self) -> Any:
        """A copy, as of a GPU's; of a subclass torch makes none itself."""
        return self.held.tolist()

    def numpy(self, *_: Any, **__: Any) -> Any:
        """Refused, as a GPU's."""
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. Use Tensor.cpu() first")

    def __array__(self, *_: Any, **__: Any) -> Any:
        return self.numpy()

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"There({self.held!r})"


class SecondDevice(TorchDispatchMode):
    """Within, tensors can be made on the second device and moved there."""

    def __enter__(self) -> Any:
        torch._C._set_only_lift_cpu_tensors(True)  # else torch.tensor(…, device=…) would look for a kernel in C++
        return super().__enter__()

    def __exit__(self, *args: Any) -> None:
        super().__exit__(*args)
        torch._C._set_only_lift_cpu_tensors(False)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute where the arguments are, or where a device is named."""
        kwargs = kwargs or {}
        leaves = tree_leaves((args, kwargs))
        if any(isinstance(x, There) or (isinstance(x, torch.device) and x.type == NAME) for x in leaves):
            return _done(func, args, kwargs)
        return func(*args, **kwargs)


def _done(func: Any, args: Any, kwargs: Any) -> Any:
    """An operation on tensors of the second device."""
    name = str(func).removeprefix("aten.")
    leaves = tree_leaves((args, kwargs))
    strangers = [x for x in leaves if isinstance(x, torch.Tensor) and not isinstance(x, There) and x.dim()]
    if strangers and any(isinstance(x, There) for x in leaves) and name not in _MAY_MIX:
        shapes = ", ".join(str(tuple(x.shape)) for x in strangers)
        raise RuntimeError(f"expected all tensors to be on the same device: {name} met the CPU's {shapes}")
    if name == "_fused_sdp_choice.default":
        return 0  # attention by plain products: the fused kernels are chosen for each kind of device in C++
    to = next((x.type for x in leaves if isinstance(x, torch.device)), NAME)
    by_held = {id(x.held): x for x in leaves if isinstance(x, There)}
    found = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    if to == "cpu":
        return tree_map(lambda x: x.clone() if any(x is h for h in map(_held, leaves)) else x, found)
    if name == "copy_.default" and not isinstance(args[0], There):
        return args[0]  # a copy into the CPU's

    def as_ours(x: Any) -> Any:
        if not isinstance(x, torch.Tensor):
            return x
        known = by_held.get(id(x))  # of what works in place, the tensor itself
        return There(x) if known is None else known

    return tree_map(as_ours, found)


def _held(value: Any) -> Any:
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value.held if isinstance(value, There) else value


def register() -> torch.device:
    """Make the device known to torch."""
    from torch.utils import backend_registration as registration

    class Module(registration._DummyBackendModule):
        def get_amp_supported_dtype(self) -> list[torch.dtype]:
            return [torch.bfloat16, torch.float16]

        def empty_cache(self) -> None:
            """Nothing is cached."""

    registration._setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    return torch.device(NAME, 0)


@contextmanager
def there() -> Iterator[None]:
    """Within, the second device works, and gradients are computed in this thread."""
    with SecondDevice(), torch.autograd.set_multithreading_enabled(False):
        yield


# --- what is done there ------------------------------------------------------------------------------------------------


def on_both(work: Callable[[Any, torch.device], Any], model: Any) -> tuple[Any, Any]:
    """What some work gives with a model on the CPU, and then on the second device."""
    here = work(model, torch.device("cpu"))
    with there():
        return here, work(model.to(NAME), torch.device(NAME, 0))


def scoring(kind: str) -> tuple[Any, Any]:
    """Log-likelihoods of continuations."""
    from calm_ext.models import scoring as module
    from tests.test_scoring import tiny

    groups = [([1 + i % 7 for i in range(n)], [[1, 2, 3], [4], [5, 6]]) for n in (3, 9, 5)]

    def work(model: Any, device: torch.device) -> Any:
        module._known.clear()
        assert model.device == device and module.reads_trees(model)
        return module.score_groups(model, groups, batch_size=2), module._plain(model, [1, 2], [3, 4])

    return on_both(work, tiny(kind))


def decoding(kind: str) -> tuple[Any, Any]:
    """Responses, with all that a generation config may say."""
    from calm_ext.models import decoding as module
    from calm_ext.models.drawing import Drawing
    from tests.test_scoring import tiny

    drawings = [
        Drawing(), Drawing(temperature=0), Drawing(0.7, top_p=0.8), Drawing(top_k=5, min_p=0.05),
        Drawing(1.3, top_p=0.9, top_k=20, repetition_penalty=1.3),
    ]  # fmt: skip

    def work(model: Any, device: torch.device) -> Any:
        assert module._tried(model)
        with torch.inference_mode():
            return [
                module.decode(
                    model, [[1, 2, 3], [4, 5, 6, 7, 8]], [0, 0, 1, 1, 1], range(5), drawing=own, max_new_tokens=12,
                    ends={9},
                )
                for own in drawings
            ]  # fmt: skip

    return on_both(work, tiny(kind))


def without_float64(scenario: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """A scenario where the second device has none, as Apple's: any tensor of that format ends it."""
    from calm_ext.models import decoding as user
    from calm_ext.models import drawing

    before = drawing.SINGLE
    drawing.SINGLE = user.SINGLE = (NAME,)
    _REFUSED.append(torch.float64)
    try:
        return scenario()
    finally:
        drawing.SINGLE = user.SINGLE = before
        _REFUSED.clear()


def pairs(options: dict[str, Any]) -> tuple[Any, Any]:
    """The loss and the gradients of a step on pairs."""
    from tests.test_losses import built, small_job

    with tempfile.TemporaryDirectory() as folder:
        made = built(small_job(Path(folder), **options))
        return _steps(made, list(made.train_dataset))


def groups(loss: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The loss and the gradients of a step on groups."""
    from tests.test_groups import group_trainer, questions

    with tempfile.TemporaryDirectory() as folder:
        made = group_trainer(Path(folder), questions(), loss)
        here, far = _steps(made, questions())
        with there():
            found = made._with_reference(questions(reference=False))
        wanted = made.model.to("cpu") and made._with_reference(questions(reference=False))
        return [here, [c.reference for q in wanted for c in q.cells]], [
            far,
            [c.reference for q in found for c in q.cells],
        ]


def _steps(trainer: Any, rows: Any) -> tuple[Any, Any]:
    """A step on either device; on the second it has TRL's own output layer, as on a GPU."""
    from calm_ext.training.shared_prefix import differs

    def work(model: Any, device: torch.device) -> Any:
        trainer.accelerator.state.device = device
        batch = {k: v.to(device) for k, v in trainer.data_collator(rows).items()}
        model.train()
        model.zero_grad()
        loss = trainer.compute_loss(model, batch)
        loss.backward()
        gradients = [p.grad.cpu().flatten().tolist() for p in model.parameters() if p.requires_grad]
        reason = None
        if hasattr(trainer, "_trial"):
            reason = differs(trainer, trainer.sharing, {k: v.to(device) for k, v in trainer._trial().items()})
        return loss.item(), gradients, reason

    return on_both(work, trainer.model)


def asking() -> tuple[Any, Any]:
    """What a model in training writes to held-out questions, and the logits that a merged model is compared by."""
    from calm_ext.publish.fold import difference, logits
    from calm_ext.training.asking import Examiner, Item
    from tests.test_groups import tokenizer
    from tests.test_scoring import tiny

    examiner = Examiner(tokenizer(), "generate", "direct", False, 6)
    items: Any = [Item(None, "en", [4, 5, 6], [], None), Item(None, "fr", [4, 5, 6, 7, 8], [], None)]  # type: ignore

    def work(model: Any, device: torch.device) -> Any:
        found = logits(model, [[1, 2, 3], [4, 5]])
        assert all(x.device.type == "cpu" for x in found) and difference(found, found) == 0
        return examiner._generate(model, items), [x.flatten().tolist() for x in found]

    return on_both(work, tiny("llama"))


def _listwise(scores: Any, layout: Any) -> Any:
    from calm_ext.training.methods.listwise import ListwiseOptions, listwise_loss

    return listwise_loss(scores, layout, ListwiseOptions(nll_weight=0.5, agreeing="base", normalize="token"))


def _dco(scores: Any, layout: Any) -> Any:
    from calm_ext.training.methods.dco import dco_loss

    return dco_loss(scores, layout, 2.0)


SCENARIOS: dict[str, Callable[[], tuple[Any, Any]]] = {
    **{f"scoring {x}": lambda x=x: scoring(x) for x in ("llama", "gemma3", "gpt2")},
    **{f"decoding {x}": lambda x=x: decoding(x) for x in ("llama", "gemma3", "gpt2")},
    "decoding without float64": lambda: without_float64(lambda: decoding("llama")),
    "pairs": lambda: pairs({}),
    "pairs, anchors by KL": lambda: pairs({"anchors": "kl"}),
    "pairs, noise by the vote": lambda: pairs({"noise": "vote", "anchors": "nll"}),
    "groups, listwise": lambda: groups(_listwise),
    "groups, dco": lambda: groups(_dco),
    "asking": asking,
}


def refusals() -> dict[str, list[str]]:
    """What the device does not take, and what it does."""
    refused, taken = [], []
    with there():
        far, here = torch.ones(2, 2, device=NAME), torch.ones(2, 2)
        for name, mix in {
            "add": lambda: far + here,
            "cat": lambda: torch.cat([far, here]),
            "linear": lambda: torch.nn.Linear(2, 2)(far),
            "where": lambda: torch.where(here > 0, far, far),
            "numpy": far.numpy,
        }.items():
            try:
                mix()
            except (RuntimeError, TypeError) as error:
                refused.append(f"{name}: {type(error).__name__}")
        for name, mix in {
            "a number": lambda: far + torch.tensor(1.0),
            "an index": lambda: far[torch.tensor([0])],
            "a copy": lambda: here.to(NAME) + far,
        }.items():
            if mix().device.type == NAME:
                taken.append(name)
    return {"refused": refused, "taken": taken}


def main() -> None:
    """Run all, and print the largest difference of each, or what went wrong."""
    register()
    torch.set_num_threads(1)
    found: dict[str, Any] = refusals()
    for name, scenario in SCENARIOS.items():
        try:
            here, far = scenario()
            ours, theirs = tree_leaves(here), tree_leaves(far)
            numbers = [abs(a - b) for a, b in zip(ours, theirs, strict=True) if isinstance(a, float)]
            same = all(a == b for a, b in zip(ours, theirs, strict=True) if not isinstance(a, float))
            found[name] = [max(numbers, default=0.0), same, len(ours)]
        except Exception as error:  # the test says which scenario and what
            if "-v" in sys.argv:
                raise
            found[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(found))


if __name__ == "__main__":
    main()
