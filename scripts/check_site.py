"""Checks the site that docc has made of the documentation.

  check_site.py SITE FINDINGS BASE

docc's FINDINGS about a page are errors. Every link within the site must lead to a page of it. Where a browser is there, each
article is opened as on a telephone in the dark and on a wide screen. It must show its title, fit the width, complain of nothing and
ask nobody else for anything; axe-core audits its accessibility.
"""

import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
BROWSERS = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
# In pixels and seconds.
WAYS = [{"width": 360, "scheme": "dark", "audit": False}, {"width": 1280, "scheme": "light", "audit": True}]
PATIENCE = 30
# What docc's own renderer does, and a catalogue cannot change: a wide table scrolls, and the keyboard does not reach it.
KNOWN = ("scrollable-region-focusable:",)
# How many looks one browser is given: it has a deadline for all of them.
BATCH = 2


def findings(path):
    for one in json.loads(path.read_text())["diagnostics"]:
        if one.get("source", "").endswith(".md"):
            yield f"{one['source'].rpartition('/')[2]}:{one['range']['start']['line']}: {one['summary']}"


def pages(site):
    """Each page's address, and what docc has written of it."""
    data = site / "data"
    for path in sorted(data.rglob("*.json")):
        yield "/" + str(path.relative_to(data).with_suffix("")), json.loads(path.read_text())


def broken_links(site):
    for address, page in pages(site):
        if not (site / address[1:] / "index.html").is_file():
            yield f"{address}: there is no page"
        for reference in page["references"].values():
            url = reference.get("url", "")
            if url.startswith("/") and not (site / url[1:].split("#")[0] / "index.html").is_file():
                yield f"{address}: nothing is at {url}"
            for variant in reference.get("variants", []):
                name = variant["url"].rpartition("/")[2]
                if not list(site.rglob(name)):
                    yield f"{address}: there is no picture {name}"


class Handler(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        return super().translate_path(path.removeprefix(self.base))

    def log_message(self, *_):
        pass


def bad_sights(site, base, browser):
    Handler.base = base.rstrip("/")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    # The page is drawn by a script, so its title is waited for.
    drawn = f"""new Promise(done => {{
      const end = Date.now() + {PATIENCE * 1000}
      const look = () => document.querySelector('h1') || Date.now() > end ? done(0) : setTimeout(look, 50)
      look()
    }})"""
    steps = [
        drawn, "document.querySelector('h1')?.innerText.trim() ?? ''",
        "document.documentElement.scrollWidth - innerWidth",
    ]
    jobs, titles = [], []
    for address, page in pages(site):
        if page["metadata"]["role"] in ("article", "collection"):
            for way in WAYS:
                jobs.append({
                    "url": f"{host}{Handler.base}{address}/", "height": 1, "media": "screen", "motion": "reduce",
                    "script": True, "tree": False, "steps": [{"evaluate": one} for one in steps], **way,
                })
                titles.append(page["metadata"]["title"])
    sights = []
    for start in range(0, len(jobs), BATCH):
        looked = subprocess.run(
            [sys.executable, ROOT / "Tests/TestSupport/browser.py", browser, ROOT / ".venv/axe.min.js"], check=True,
            stdout=subprocess.PIPE, input=json.dumps(jobs[start : start + BATCH]).encode(),
        )
        sights += json.loads(looked.stdout)["sights"]
    for job, title, sight in zip(jobs, titles, sights):
        where = f"{job['url'].removeprefix(host)} at {job['width']} pixels"
        _, heading, excess = map(json.loads, sight["results"])
        if heading.replace("\u200b", "") != title:
            yield f"{where}: the title is {heading!r}, not {title!r}"
        if excess > 0:
            yield f"{where}: {excess} pixels too wide"
        for violation in sight["violations"]:
            if not violation.startswith(KNOWN):
                yield f"{where}: {violation}"
        for message in sight["messages"]:
            yield f"{where}: {message[:300]}"
        for request in sight["requests"]:
            if not request.startswith((host, "data:", "blob:")):
                yield f"{where}: asks for {request}"


def main(site, report, base):
    site = pathlib.Path(site).resolve()
    wrong = [*findings(pathlib.Path(report)), *broken_links(site)]
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser:
        wrong += bad_sights(site, base, browser)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    count = len(list(pages(site)))
    print(f"docs: {count} pages in {site}, {len(wrong)} faults{'' if browser else '; no browser here to look at them'}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
