"""Just enough of the WebDriver protocol to drive Debian's headless Chromium: no package is needed for it."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --ignore-certificate-errors"
)

# A GPU in software, for pages that compute by WebGPU.
SOFTWARE_GPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")


def is_there() -> bool:
    return bool(shutil.which("chromedriver") and shutil.which("chromium"))


needed = pytest.mark.skipif(not is_there(), reason="needs chromium and chromium-driver")


class Browser:
    """A Chromium of its own; `camera` is a .y4m that plays as a camera."""

    def __init__(
        self, camera: Path | None = None, size: tuple[int, int] = (1100, 700), flags: Sequence[str] = ()
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._base = f"http://127.0.0.1:{port}"
        flags = [*_FLAGS.split(), *flags, f"--window-size={size[0]},{size[1]}"]
        if camera:
            flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
            flags += [f"--use-file-for-fake-video-capture={camera}"]
        options = {"binary": shutil.which("chromium"), "args": flags}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        deadline = time.monotonic() + 30
        while True:
            try:
                session = self._call("POST", "/session", wanted)
                break
            except OSError:
                if time.monotonic() > deadline:
                    self._driver.kill()
                    raise
                time.sleep(0.2)
        self._base += f"/session/{session['sessionId']}"

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self._driver.kill()
            self._driver.wait()

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def wait_for(self, expression: str, seconds: float = 60) -> Any:
        """Until the JavaScript expression is true; its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(f"return {expression}")):
            assert time.monotonic() < deadline, (
                f"{expression} stays {value!r}: {self.run('return document.body.innerText')}"
            )
            time.sleep(0.2)
        return value

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int, **media: str) -> None:
        """The page's size in its own pixels. media: features as "prefers-color-scheme"."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def give(self, selector: str, file: Path) -> None:
        """Choose a file in an <input type=file>."""
        element = self._call("POST", "/element", {"using": "css selector", "value": selector})
        (name,) = element.values()
        self._call("POST", f"/element/{name}/value", {"text": str(file)})

    def press(self, key: str) -> None:
        action = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": action}]})

    def new_window(self) -> str:
        """Open one and turn to it; its handle."""
        handle = str(self._call("POST", "/window/new", {"type": "window"})["handle"])
        self.turn_to(handle)
        return handle

    def window(self) -> str:
        return str(self._call("GET", "/window"))

    def turn_to(self, handle: str) -> None:
        self._call("POST", "/window", {"handle": handle})

    def processes(self) -> list[int]:
        """The numbers of all processes of this Chromium."""
        children: dict[int, list[int]] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(status.parent.name))
        found = list(children.get(self._driver.pid, []))
        for parent in found:  # grows while it is walked
            found += children.get(parent, [])
        return found

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("GET", "/screenshot"))

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
