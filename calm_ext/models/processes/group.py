"""The processes that share a model's work, as each of them sees it. torch is imported inside the functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from calm_ext.errors import CalmError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Group(NamedTuple):
    """This process among those that do the same calls in the same order.

    Attributes:
        rank: its number, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    def share(self, items: Sequence[Item], work: Callable[[Item], Result]) -> list[Result]:
        """What ``work`` makes of each item, in order; this process does every ``size``-th of them.

        Raises:
            CalmError: an item went wrong, in whichever process.
        """
        mine, wrong = [], None
        try:
            mine = [work(item) for item in items[self.rank :: self.size]]
        except Exception as error:  # the others wait for this process: they must hear of it
            wrong = error
        found = self.gather((mine, "" if wrong is None else str(wrong) or type(wrong).__name__))
        if wrong is not None:
            raise wrong
        reason = next((said for _, said in found if said), None)
        if reason is not None:
            raise CalmError(reason)
        return [found[i % self.size][0][i // self.size] for i in range(len(items))]

    def deal(self, items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
        """The same for work that takes many items at once and gives a result for each."""
        hands = [list(items[rank :: self.size]) for rank in range(self.size)]
        dealt = self.share(hands, lambda hand: list(work(hand)) if hand else [])
        return [dealt[i % self.size][i // self.size] for i in range(len(items))]

    def gather(self, value: Any) -> list[Any]:
        """The value of each process, by rank, in all of them."""
        import torch.distributed as dist

        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def from_first(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        import torch.distributed as dist

        held = [value]
        dist.broadcast_object_list(held, src=0)
        return held[0]


_group: Group | None = None


def join(group: Group | None) -> None:
    """Let this process share its batches with the others of a group from now on; None ends that."""
    global _group
    _group = group


def current() -> Group | None:
    """The group that shares the work of this process; None where it works alone."""
    return _group
