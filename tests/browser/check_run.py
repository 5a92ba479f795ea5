# SPDX-License-Identifier: MIT
"""Opens the page of a run in Chromium while it is written anew.

check_run.py PROGRAM, which writes the page: run.cpp's."""
import pathlib
import subprocess
import sys
import tempfile

import devtools

failures = []


def check(what, good):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


def main():
    if devtools.program() is None:
        print("no Chromium here; scripts/setup browser installs it")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, devtools.browser() as page:
        path = pathlib.Path(folder) / "run.html"

        def write(steps):
            subprocess.run([sys.argv[1], path, str(steps)], check=True)

        def becomes(expression):
            for _ in range(5):
                try:
                    return page.wait_for(f"document.readyState === 'complete' && {expression}")
                except RuntimeError:  # the page was just being opened anew
                    pass
            return False

        def shown(steps):
            return becomes(f"document.querySelector('dd').textContent.startsWith('{steps} ')")

        write(10)
        for width in (360, 1280):
            page.size(width, 500)
            page.open(path.as_uri())
            check(f"at {width} pixels nothing is wider than the page", page.js(
                "document.documentElement.scrollWidth <= innerWidth"))
        check("pictures are there", page.js("[...document.images].every(i => i.complete && i.naturalWidth > 0)"))
        for scheme in ("dark", "light"):
            page.prefer(color_scheme=scheme)
            paper = page.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
            check(f"it is {scheme}", (paper > 200) == (scheme == "light"))

        page.js("scrollTo(0, 150)")
        write(15)
        check("a page that is written anew is shown", shown(15))
        check("where it was scrolled to", becomes("scrollY === 150"))
        write(20)
        check("the last step is shown", shown(20))
        page.js("window.same = true")
        page.receive(0.5), page.receive(2)
        check("and then the page stays", page.js("window.same === true"))
        check(f"nothing is wrong: {page.errors}", not page.errors)
        check(f"nothing is asked of a network: {set(page.requests)}", set(page.requests) == {path.as_uri()})
    sys.exit(1 if failures else 0)


main()
