"""Headless Chromium over its DevTools pipe: no package is needed, only the browser (Debian: ``apt install chromium``)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """One tab. Commands go to file descriptor 3 of the browser and answers come from 4, each ended by a zero byte."""

    def __init__(self, *, width: int = 1280, height: int = 900, dark: bool = False, javascript: bool = True) -> None:
        assert CHROMIUM is not None
        self._profile = tempfile.mkdtemp()
        to_child, self._out = os.pipe()
        self._in, from_child = os.pipe()
        # The shell puts the pipes where the browser wants them, whatever their numbers are here.
        start = f'exec "$0" "$@" 3<&{to_child} 4>&{from_child}'
        arguments = [CHROMIUM, *FLAGS, f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", start, *arguments], pass_fds=(to_child, from_child), stderr=subprocess.DEVNULL
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer, self._number = b"", 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        if not javascript:
            self.send("Emulation.setScriptExecutionDisabled", value=True)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        number = self._number
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 20)
            assert part, "chromium went away"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file, at a fragment of it, and wait until it is loaded."""
        self.events.clear()  # the page before has fired its load event, too
        self.send("Page.navigate", url="about:blank")  # or another fragment of the same file would load nothing
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._read())
        self.events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri() + fragment)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._read())

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are waited for."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, name: str, code: int, text: str = "") -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))  # fmt: skip

    def problems(self) -> list[str]:
        """Exceptions, dialogs and log entries (of a blocked script, say) since the page was opened."""
        kinds = (
            "Runtime.exceptionThrown",
            "Page.javascriptDialogOpening",
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
        )
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in kinds]

    def requested(self) -> list[str]:
        """What was asked of the network since the page was opened."""
        sent = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [u for u in sent if not u.startswith(("data:", "file:"))]

    def screenshot(self, path: Path, *, whole: bool = False, clip: Sequence[float] = ()) -> None:
        """A picture of the window, of the whole page, or of (x, y, width, height) of it."""
        more: dict[str, Any] = {"captureBeyondViewport": whole or bool(clip)}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = (0, 0, size["width"], size["height"])
        if clip:
            more["clip"] = dict(zip(("x", "y", "width", "height"), clip, strict=True)) | {"scale": 1}
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png", **more)["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it is printed, on A4, with an outline of its headings."""
        printed = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, generateDocumentOutline=True,
                            generateTaggedPDF=True, printBackground=False)  # fmt: skip
        path.write_bytes(base64.b64decode(printed["data"]))

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._in)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
