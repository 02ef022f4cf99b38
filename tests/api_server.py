"""A server that speaks OpenAI's protocol, for tests: in a thread, on a port of its own."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Answer = Callable[[str, dict[str, Any]], tuple[Any, ...]]


class ApiServer:
    """What was asked, and how it is answered.

    Attributes:
        url: up to and with ``/v1``.
        asked: path and payload of each request, in the order they came.
        headers: of the last one.
        moved: where a list of models is said to be.
    """

    def __init__(self, answer: Answer, models: list[str] | None) -> None:
        self.answer, self.models = answer, models
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: dict[str, str] = {}
        self.url = self.moved = ""
        self.lock = threading.Lock()


@contextmanager
def api_server(
    answer: Answer, *, models: list[str] | None = None, slow_head: bool = False, host: str = "127.0.0.1", port: int = 0
) -> Iterator[ApiServer]:
    """Serve; ``answer`` gives status and body of a request, ``models`` are those that are listed, None for no list.

    A body is an object, bytes, or an iterator of bytes that are sent piece by piece. Headers may come third. An
    exception drops the connection. With ``slow_head`` an iterator is a header's value that does not end. Without a
    ``port`` a free one is taken.
    """
    server = ApiServer(answer, models)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            if isinstance(body, Iterator):
                if slow_head:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                else:
                    self.send_response(status)
                    self.end_headers()
                self.close_connection = True
                with suppress(OSError):
                    for piece in body:
                        self.wfile.write(piece)
                return
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or ({"Retry-After": "0"} if status == 503 else {})).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # a client that did not wait
                self.wfile.write(data)

        def do_GET(self) -> None:
            server.headers = dict(self.headers)
            if server.moved:
                self._reply(307, {}, {"Location": server.moved + self.path})
                return
            if self.path == "/health":
                self._reply(200, {})
                return
            listed = {"object": "list", "data": [{"id": x} for x in server.models or []]}
            self._reply(*((200, listed) if server.models is not None else (404, {})))

        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                server.headers = dict(self.headers)
                server.asked.append((self.path, payload))
                reply = server.answer(self.path, payload)
            self._reply(*reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Http(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing."""

    http = Http((host, port), Handler)
    server.url = f"http://{host}:{http.server_port}/v1"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def choices(texts: list[str], *, chat: bool = False, **more: Any) -> dict[str, Any]:
    """A reply, its choices last to first, as a server may send them."""
    made = [
        {
            "index": i,
            **({"message": {"role": "assistant", "content": t}} if chat else {"text": t}),
            "finish_reason": "stop",
        }
        for i, t in enumerate(texts)
    ]
    return {"object": "text_completion", "choices": made[::-1], "usage": {"total_tokens": 7}, **more}


def steady(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
    """Texts that depend on the request alone, mostly the first option shown; log-probabilities of an echoed prompt."""
    if payload.get("echo"):
        (ids,) = payload["prompt"]
        logprobs = {
            "token_logprobs": [None, *(-float(i % 97) for i in ids)],
            "top_logprobs": [None, *({"x": -0.5} for _ in ids)],
        }
        return 200, {"choices": [{"index": 0, "logprobs": logprobs}]}
    asked = payload["prompt"] if "prompt" in payload else payload["messages"][-1]["content"]
    digests = [
        hashlib.sha256(json.dumps([asked, payload["seed"], i]).encode()).hexdigest() for i in range(payload.get("n", 1))
    ]
    shown = re.findall(r"^- (.+)$", asked, re.MULTILINE)
    made = [f" {shown[max(0, int(x, 16) % 12 - 8) % len(shown)]}" if shown else f"Answer: {x}" for x in digests]
    return 200, choices(made, chat="messages" in payload)


class Process:
    """Such a server in a process of its own, which can be killed and started again at the same address.

    Args:
        folder: where it counts what it answered.
        port: to listen at; default: a free one.
    """

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.count, self.port = folder / "answered", port
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-m", "tests.api_server", str(self.port), str(self.count)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def answered(self) -> int:
        """Requests that it answered, in all its lives."""
        return self.count.stat().st_size if self.count.exists() else 0

    def kill(self) -> None:
        """As a machine that loses its power."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def main(port: str, count: str, host: str = "127.0.0.1") -> None:
    """Serve until killed; the port is printed."""

    def counted(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        reply = steady(path, payload)
        with open(count, "a") as handle:
            handle.write(".")
        return reply

    with api_server(counted, host=host, port=int(port)) as server:
        print(urlsplit(server.url).port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
