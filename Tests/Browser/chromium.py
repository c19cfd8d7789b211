"""Drives a headless Chromium over a pipe with the DevTools protocol; only the standard library is used."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

DEADLINE = 60


class Chromium:
    """One browser with one page. Everything that it complains about is collected in `complaints`."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="billing-chromium-", dir="/tmp")
        self.numbers = itertools.count(1)
        self.unread = b""
        self.events = []
        self.complaints = []
        read_here, write_there = os.pipe()
        read_there, write_here = os.pipe()
        self.read_end, self.write_end = read_here, write_here
        command = [
            "sh", "-c", f'exec "$@" 3<&{read_there} 4>&{write_there}', "sh", "chromium", "--headless=new",
            "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
            "--font-render-hinting=none", f"--user-data-dir={self.profile}", "about:blank"]
        if os.geteuid() == 0:
            command.insert(-1, "--no-sandbox")
        self.process = subprocess.Popen(
            command, pass_fds=(read_there, write_there), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(read_there)
        os.close(write_there)
        target = self.call("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        self.session = None
        self.session = self.call(
            "Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close", session=None)
            self.process.wait(10)
        except Exception:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        os.close(self.write_end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, parameters=None, session="own"):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters or {}}
        if session == "own":
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self._message(deadline)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _message(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.read_end], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.read_end, 1 << 16) if ready else b""
            if not data:
                raise RuntimeError("Chromium gave no answer")
            self.unread += data
        text, self.unread = self.unread.split(b"\0", 1)
        message = json.loads(text)
        self._note(message)
        return message

    def _note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method:
            self.events.append(method)
        if method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{parameters['type']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["text"])
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog: {parameters['message']}")
        elif method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith("file:"):
            self.complaints.append(f"a request to {parameters['request']['url']}")

    def open(self, path, width, height=900, scheme="light"):
        self.call("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        self.call("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.events.clear()
        self.call("Page.navigate", {"url": f"file://{path}"})
        deadline = time.monotonic() + DEADLINE
        while "Page.loadEventFired" not in self.events:
            self._message(deadline)

    def value(self, expression):
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        data = self.call("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}})
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def pdf(self, path):
        data = base64.b64decode(self.call(
            "Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data

    def accessible(self):
        """The accessibility tree: (role, name) of every node that is not ignored."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node.get("role", {}).get("value"), node.get("name", {}).get("value", "").strip())
                for node in nodes if not node.get("ignored")]
