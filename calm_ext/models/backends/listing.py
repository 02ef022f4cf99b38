"""Whether servers are there and have the model, before anything is asked of them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from calm_ext.errors import CalmError
from calm_ext.models.backends.connection import Answer
from calm_ext.models.backends.protocol import Failure, one_line, unless_busy
from calm_ext.models.backends.servers import Server, Servers

_LARGEST = 16 << 20
_TRIES = 2


def require_model(servers: Servers, model: str, *, key_variable: str) -> None:
    """See that a server is there, and that each that is there has the model; those that are not are left out.

    Args:
        key_variable: the environment variable that holds the key.

    Raises:
        CalmError: no server answers, or one has no such model or wants a key.
    """
    absent: list[tuple[Server, Failure]] = []
    for server in servers.each:
        try:
            answer = servers.call("GET", "models", unless_busy, largest=_LARGEST, repeats=_TRIES, at=server)
        except Failure as failure:
            if failure.status is None or failure.kind != "broken":  # else it cannot list its models now, nor need it
                absent.append((server, failure))
            continue
        _require(answer, server.base, model, key_variable)
    if len(absent) == len(servers.each):
        several = f"none of the {len(absent)} servers answers: " if len(absent) > 1 else ""
        first, why = absent[0]
        where = f"{first.base}/models"
        if why.kind == "gone":
            raise CalmError(f"{several}no server answers at {where} {why.said.removeprefix('is not there ')}")
        raise CalmError(f"{several}{where} {why.said}")
    for server, why in absent:
        servers.leave_out(server, why)


def _require(answer: Answer, base: str, model: str, key_variable: str) -> None:
    if answer.status in (401, 403):
        raise CalmError(f"{base} refuses us ({answer.status}): put the key into ${key_variable}")
    if not answer.ok:
        return  # a server need not list its models
    try:
        known = [str(x["id"]) for x in answer.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return
    if known and not any(x == model or fnmatchcase(model, x) for x in known):  # vendor/*, says a gateway
        listed = ", ".join(one_line(x, 80) for x in known[:5])
        raise CalmError(
            f"{base} has no model {model}, but {listed}: name the one that is to be aligned in "
            f"sampling.backend_args.model"
        )
