"""A headless Chromium, driven through its DevTools protocol over a pair of pipes."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
_CODES = {
    "Tab": 9, "Enter": 13, "Escape": 27,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip


class Chromium:
    """A browser with one page."""

    def __init__(self, profile: Path) -> None:
        """Start it.

        Args:
            profile: a folder for its settings.
        """
        reads, self._write = os.pipe()
        self._read, writes = os.pipe()
        options = f"--headless --no-sandbox --disable-gpu --user-data-dir='{profile}'"
        # The protocol's pipes are the file descriptors 3 and 4.
        command = f"exec '{PROGRAM}' {options} --remote-debugging-pipe 3<&{reads} 4>&{writes}"
        self._process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(reads, writes), stderr=subprocess.DEVNULL
        )
        os.close(reads)
        os.close(writes)
        self._answers = os.fdopen(self._read, "rb")
        self._number = 0
        self._session: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def __enter__(self) -> Self:
        """The browser."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        os.close(self._write)

    def open(self, url: str) -> None:
        """Open a page, not one that is open already."""
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=url)

    def press(self, key: str) -> None:
        """Press and release a key."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _CODES[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self._call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **code)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        """The next message, which ends with a zero byte."""
        text = bytearray()
        while (byte := self._answers.read(1)) not in (b"\0", b""):
            text += byte
        assert text, "Chromium has ended"
        message: dict[str, Any] = json.loads(text)
        return message
