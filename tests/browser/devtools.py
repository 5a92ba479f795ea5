# SPDX-License-Identifier: MIT
"""Chromium without a window, spoken to by the DevTools protocol over two pipes."""
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def program():
    """Chromium's path, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One page. What goes wrong on it, and what it asks of a network, gathers in `errors` and `requests`."""

    def __init__(self, to_browser, from_browser):
        self.to_browser, self.from_browser = to_browser, from_browser
        self.errors, self.requests, self.loaded = [], [], 0
        self.pending, self.last, self.session, self.patience = b"", 0, None, 30
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self, seconds):
        """The next message, or None."""
        until = time.monotonic() + seconds
        while b"\0" not in self.pending:
            if not select.select([self.from_browser], [], [], max(0, until - time.monotonic()))[0]:
                return None
            piece = os.read(self.from_browser, 1 << 20)
            if not piece:
                raise RuntimeError("the browser ended")
            self.pending += piece
        message, self.pending = self.pending.split(b"\0", 1)
        message = json.loads(message)
        self.hear(message.get("method"), message.get("params", {}))
        return message

    def hear(self, method, event):
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.errors.append(str([argument.get("value") for argument in event["args"]]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.errors.append(event["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not event["request"]["url"].startswith(("data:", "blob:")):
            self.requests.append(event["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded += 1

    def call(self, method, **params):
        self.last += 1
        number = self.last
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.to_browser, rest):]
        while True:
            answer = self.receive(60)
            if answer is None:
                raise RuntimeError(f"{method}: no answer")
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def open(self, url):
        before = self.loaded
        self.call("Page.navigate", url=url)
        while self.loaded == before:
            if self.receive(60) is None:
                raise RuntimeError(f"{url} does not load")

    def js(self, expression):
        """The value of an expression, awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['exception']['description']}")
        return answer["result"].get("value")

    def wait_for(self, expression):
        """Whether an expression becomes true. Once one did not, the others are not waited for as long."""
        until = time.monotonic() + self.patience
        while not self.js(expression):
            if time.monotonic() > until:
                self.patience = 1
                return False
            self.receive(0.03)
        return True

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, **features):
        """prefer(color_scheme="dark", reduced_motion="reduce")"""
        names = [{"name": f"prefers-{k.replace('_', '-')}", "value": v} for k, v in features.items()]
        self.call("Emulation.setEmulatedMedia", features=names)

    def key(self, name, text=""):
        for kind in ("keyDown", "keyUp"):
            codes = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9, " ": 32, "Escape": 27}
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code="Space" if name == " " else name,
                      windowsVirtualKeyCode=codes[name], **({"text": text} if text and kind == "keyDown" else {}))

    def mouse(self, kind, x, y):
        button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def middle(self, selector, part=0.5):
        """Where an element is, scrolled into sight: `part` of its width, half of its height."""
        box = self.js(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const b = e.getBoundingClientRect();
            return [b.left + b.width * {part}, b.top + b.height / 2]; }})()""")
        return box

    def click(self, selector):
        x, y = self.middle(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)


@contextlib.contextmanager
def browser():
    """A page of a browser that ends with it."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The protocol's pipes are the browser's descriptors 3 and 4.
        command = [program(), "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-sandbox",
                   "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"]
        script = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        process = subprocess.Popen(["sh", "-c", script, "sh", *command], pass_fds=(to_read, from_write),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, "HOME": profile})
        os.close(to_read)
        os.close(from_write)
        try:
            yield Page(to_write, from_read)
        finally:
            process.terminate()
            process.wait(20)
            os.close(to_write)
            os.close(from_read)
