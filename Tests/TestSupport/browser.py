"""Opens pages in a headless Chromium and tells what it saw.

Usage: browser.py BROWSER AXE <jobs >sights

BROWSER is the program, AXE the file of axe-core, which audits accessibility. Standard input is a JSON list of jobs, each
with `url`, `width` (in CSS pixels), `height` (how much of the page its picture shows, at most), `scheme` ("light" or
"dark"), `media` ("screen" or "print"), `motion` ("reduce" or "no-preference"), `script` (whether the page's own may run),
`tree` (whether the accessibility tree is wanted), `audit` (whether axe-core is run) and `steps`. A step is
{"evaluate": JAVASCRIPT}, {"type": TEXT} or {"press": "Tab"}. Standard output is a JSON object: the browser's `version`, and
`sights`, what was seen of each job: see `look`.

Of the network it reaches this machine alone. It speaks the DevTools Protocol
(https://chromedevtools.github.io/devtools-protocol/) over two pipes, so it needs nothing but Python, and no port.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

# Seconds after which all of it is given up.
DEADLINE = 500


class Browser:
    def __init__(self, program, profile):
        # The browser reads commands from its descriptor 3 and writes to 4.
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        arguments = [
            "--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run", "--disable-gpu",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
            "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb",
        ]
        if os.getuid() == 0:
            # Its sandbox refuses to work for root, whom containers give everybody.
            arguments.append("--no-sandbox")
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "sh", program, *arguments, "about:blank"],
            pass_fds=(commands, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self.received = b""
        self.number = 0
        self.events = []

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def receive(self):
        """The next message: each ends with a zero byte."""
        while b"\0" not in self.received:
            data = os.read(self.answers, 1 << 20)
            if not data:
                sys.exit("browser.py: the browser ended")
            self.received += data
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"browser.py: {method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())


def look(browser, job, axe):
    """What is seen of a page: `messages` of the console and the security policy, `requests` made (addresses), `results`
    of the steps' JavaScript as JSON, `tree` of what assistive technology is told (role and name), `violations` that
    axe-core found, and `picture`, the beginning of the page as PNG in base64."""
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(method, **parameters):
        return browser.call(method, session, **parameters)

    def evaluate(expression):
        answer = call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            sys.exit(f"browser.py: {expression[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    # Each switches the reports of its kind on.
    for domain in ("Page", "Runtime", "Log", "Network"):
        call(f"{domain}.enable")
    # Behind another page its timers would be slowed down.
    call("Page.bringToFront")
    call("Emulation.setDeviceMetricsOverride", width=job["width"], height=900, deviceScaleFactor=1, mobile=False)
    call(
        "Emulation.setEmulatedMedia", media=job["media"],
        features=[
            {"name": "prefers-color-scheme", "value": job["scheme"]},
            {"name": "prefers-reduced-motion", "value": job["motion"]},
        ],
    )
    call("Emulation.setScriptExecutionDisabled", value=not job["script"])
    browser.events.clear()
    call("Page.navigate", url=job["url"])
    browser.wait("Page.loadEventFired")

    results = []
    for step in job["steps"]:
        if "evaluate" in step:
            results.append(json.dumps(evaluate(step["evaluate"]), separators=(",", ":")))
        elif "type" in step:
            call("Input.insertText", text=step["type"])
        else:
            for kind in ("rawKeyDown", "keyUp"):
                # 9 is Tab's code on Windows, which is what moves the focus.
                call("Input.dispatchKeyEvent", type=kind, key=step["press"], code=step["press"],
                     windowsVirtualKeyCode={"Tab": 9}[step["press"]])
    tree = []
    if job["tree"]:
        tree = [
            [node["role"]["value"], node.get("name", {}).get("value", "")]
            for node in call("Accessibility.getFullAXTree")["nodes"]
            if not node["ignored"]
        ]
    sight = {"results": results, "tree": tree, "violations": []}
    size = call("Page.getLayoutMetrics")["cssContentSize"]
    sight["picture"] = call(
        "Page.captureScreenshot", captureBeyondViewport=True,
        clip={"x": 0, "y": 0, "width": job["width"], "height": min(size["height"], job["height"]), "scale": 1},
    )["data"]
    # What was said and asked for is taken down before axe-core, which makes requests of its own, comes into the page.
    sight["messages"] = [
        json.dumps(event["params"])
        for event in browser.events
        if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    ]
    sight["requests"] = [
        event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"
    ]
    if job["audit"]:
        evaluate(axe + ";0")
        sight["violations"] = evaluate(
            """axe.run({resultTypes: ["violations"]}).then((found) => found.violations.map((rule) =>
               `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => node.html + " " + node.failureSummary).join(" | ")}`))"""
        )
    browser.call("Target.closeTarget", targetId=target)
    return sight


def main():
    program, axe = sys.argv[1:]
    jobs = json.load(sys.stdin)
    profile = tempfile.mkdtemp()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"browser.py: not done after {DEADLINE} s"))
    signal.alarm(DEADLINE)
    browser = Browser(program, profile)
    try:
        version = browser.call("Browser.getVersion")["product"]
        source = pathlib.Path(axe).read_text()
        json.dump({"version": version, "sights": [look(browser, job, source) for job in jobs]}, sys.stdout)
    finally:
        browser.close()
        shutil.rmtree(profile, ignore_errors=True)


main()
