# SPDX-License-Identifier: MIT
"""Opens a gallery's page in Chromium and does what a viewer does.

check.py PROGRAM, which writes the page: page.cpp's."""
import pathlib
import subprocess
import sys
import tempfile

import devtools

FRAMES = 8
READ = """
window.probe = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
window.code = canvas => {
  probe.drawImage(canvas, 8, 8, 1, 1, 0, 0, 1, 1);
  return probe.getImageData(0, 0, 1, 1).data[0] / 5;
};
window.seen = canvas => {
  const told = code(canvas);
  return {frame: told % 8, stop: Math.floor(told / 8) % 3, clip: Math.floor(told / 24)};
};
window.read = () => [...document.querySelectorAll('.lane')].map(lane => [...lane.querySelectorAll('canvas')].map(seen));
window.thumbnails = () => [...document.querySelectorAll('.control canvas')].map(code);
window.at = selector => document.querySelector(selector);
"""
failures = []


def check(what, good):
    if not good:
        failures.append(what)
        print(f"FAILED: {what}")


class Viewer:
    def __init__(self, page, url):
        self.page, self.url = page, url
        self.js, self.key, self.click = page.js, page.key, page.click

    def open(self, still=True, scheme="light", width=1280, height=4000):
        self.page.prefer(color_scheme=scheme, reduced_motion="reduce" if still else "no-preference")
        self.page.size(width, height, mobile=width < 600)
        self.page.open(self.url)
        self.js(READ)

    def stops(self, wanted, frame=None):
        """Whether the lanes come to show these stops, all of one frame, each clip at its place."""
        frame = "read()[0][0].frame" if frame is None else frame
        return self.page.wait_for(f"""read().every((lane, i) => lane.every((seen, n) =>
            seen.stop === {wanted}[i] && seen.clip === n && seen.frame === {frame}))""")

    def focus(self, selector):
        self.page.middle(selector)
        self.js(f"at('{selector}').focus()")


def check_clips(viewer):
    viewer.open()
    sheets = viewer.js("""Promise.all([...document.images].map(image => image.decode().then(() => {
        const style = getComputedStyle(image), size = name => Number(style.getPropertyValue(name));
        return image.naturalWidth === 16 * size('--n') && image.naturalHeight === 16 * size('--t'); })))""")
    check("every sheet is a picture of the size that its row says", len(sheets) == 17 and all(sheets))
    check("each row opens at its stop, all at one frame", viewer.stops([0, 2, 2, 0, 0, 1, 1], 0))
    check("a page opens still where motion is not wanted", viewer.js("!at('.play').matches('.playing')"))
    check("pixels are crisp", viewer.js("getComputedStyle(at('.lane canvas')).imageRendering") == "pixelated")
    names = viewer.js("[...document.querySelectorAll('[role=img]')].map(e => e.ariaLabel)")
    check("clips have names", names[:2] == ["Real: 2 clips of 8 frames", "One: 2 clips of 8 frames"])
    unnamed = viewer.js("""[...document.querySelectorAll('button, input, select')].filter(
        e => !(e.ariaLabel || e.labels?.[0]?.textContent.trim())).map(e => e.outerHTML)""")
    check(f"every control has a name: {unnamed}", not unnamed)
    ids = viewer.js("[...document.querySelectorAll('[id]')].map(e => e.id)")
    check("no two elements have one name", len(ids) == len(set(ids)))


def check_clock(viewer):
    viewer.open()
    stops = [0, 2, 2, 0, 0, 1, 1]
    frame = lambda: viewer.js("at('.frame').value + at('.now').textContent")
    viewer.stops(stops, 0)
    viewer.click(".on")
    check("a step goes on by a frame, in all clips", viewer.stops(stops, 1) and frame() == "22 / 8")
    viewer.js("document.activeElement.blur()")
    viewer.key("ArrowRight")
    check("so does the right arrow", viewer.stops(stops, 2) and frame() == "33 / 8")
    viewer.key("ArrowLeft")
    check("the left arrow goes back", viewer.stops(stops, 1))
    viewer.click(".back")
    viewer.click(".back")
    check("before the first frame is the last", viewer.stops(stops, FRAMES - 1) and frame() == "88 / 8")
    viewer.focus(".frame")
    viewer.key("Home")
    check("the slider sets the frame", viewer.stops(stops, 0))
    viewer.key("ArrowRight")
    check("once, where it has the focus", viewer.stops(stops, 1))
    viewer.js("document.activeElement.blur()")
    viewer.key(" ", " ")
    check("the space bar plays", viewer.js("at('.play').matches('.playing') && at('.play').ariaLabel === 'Pause'"))
    check("and all clips move together",
          viewer.page.wait_for("read()[0][0].frame === 4") and viewer.page.wait_for("read()[0][0].frame === 0"))
    together = viewer.js("""new Promise(done => { let same = true, count = 0; const look = () => {
        const seen = read().flat().map(clip => clip.frame); same &&= seen.every(frame => frame === seen[0]);
        ++count < 40 ? requestAnimationFrame(look) : done(same); }; look(); })""")
    check("at every moment", together)
    viewer.js("at('select').value = '4'; at('select').dispatchEvent(new Event('change'))")
    viewer.key(" ", " ")
    before = frame()
    check("and it stops", viewer.js("!at('.play').matches('.playing')") and frame() == before)
    seen = viewer.js("read()[0][0].frame")
    viewer.focus(".on")
    viewer.key(" ", " ")
    check("on another button the space bar is that button's",
          viewer.stops(stops, (seen + 1) % FRAMES) and viewer.js("!at('.play').matches('.playing')"))
    viewer.open(still=False)
    check("a page opens playing otherwise", viewer.page.wait_for("read()[0][0].frame === 3"))


def check_stops(viewer):
    viewer.open()
    viewer.stops([0, 2, 2, 0, 0, 1, 1])
    viewer.focus("#all-1")
    viewer.key("ArrowLeft")
    check("the slider of training moves its rows and no others", viewer.stops([0, 1, 1, 0, 0, 1, 1]))
    says = viewer.js("[at('#all-1').ariaValueText ?? at('#all-1').getAttribute('aria-valuetext'), "
                     "at('.ticks .at').textContent, at('.note').textContent]")
    check(f"it says where it is: {says}", says == ["1 min", "1 min", "step 10"])
    viewer.click(".ticks li")
    check("its ticks may be clicked", viewer.stops([0, 0, 0, 0, 0, 1, 1]))
    viewer.click(".choice label:nth-of-type(2)")
    check("another start is predicted from", viewer.stops([0, 0, 0, 1, 1, 1, 1]))
    viewer.key("ArrowRight")
    check("arrows choose as well", viewer.stops([0, 0, 0, 2, 2, 1, 1]))
    check("and do not step", viewer.js("at('.now').textContent") == "1 / 8")
    viewer.focus("#all-3")
    viewer.key("End")
    check("the slider between two clips moves its row", viewer.stops([0, 0, 0, 2, 2, 2, 1]))
    for _ in range(4):
        viewer.click(".on")
    viewer.page.wait_for("read()[0][0].frame === 4")
    viewer.page.middle(".choice")
    check("starts show no more than is given, and ends all",
          viewer.page.wait_for("JSON.stringify(thumbnails()) === JSON.stringify([2, 10, 18, 4, 20])"))
    seen = "[...document.querySelectorAll('.lane')].map(e => e.matches('.seen')).join()"
    check("frames that were not given are not marked", viewer.js(seen) == ",".join(["false"] * 7))
    states = viewer.js("[...document.querySelectorAll('.state')].map(e => e.textContent)")
    check(f"and said to be predicted: {states}", states == ["what followed", "predicted"])
    viewer.click(".back")
    viewer.click(".back")
    check("frames that were given are", viewer.js(seen) == "false,false,false,true,true,false,false")


def check_chart(viewer):
    viewer.open()
    tip = lambda: viewer.js("getComputedStyle(at('.tip')).visibility === 'visible' ? at('.tip').innerText : ''").split()
    check("a chart shows no value unasked", tip() == [])
    viewer.page.mouse("mouseMoved", *viewer.page.middle(".plot", 0.54))
    check(f"a pointer reads values: {tip()}", tip() == ["step", "50", "One", "1.5", "Two", "2"])
    viewer.page.mouse("mouseMoved", 2, 2)
    check("until it leaves", tip() == [])
    viewer.focus(".scroll")
    viewer.key("Tab")
    check(f"the keyboard reaches them: {tip()}", tip() == ["step", "50", "One", "1.5", "Two", "2"])
    viewer.key("ArrowRight")
    check(f"the arrows read on: {tip()}", tip() == ["step", "60", "One", "1.6", "Two", "2.2"])
    viewer.key("End")
    check(f"to the end: {tip()}", tip() == ["step", "100", "One", "2", "Two", "3"])
    check("and no clip moves", viewer.js("at('.now').textContent") == "1 / 8")
    viewer.key("Escape")
    check("Escape hides them", tip() == [])


def check_keyboard(viewer):
    viewer.open()
    reached, visible = [], []
    for _ in range(24):
        viewer.key("Tab")
        name, shown = viewer.js("""(() => { const e = document.activeElement;
            const lit = e.type === 'radio' ? e.nextElementSibling : e;
            const name = e.tagName + (e.className && '.' + e.classList[0]) + (e.id && '#' + e.id);
            return [name, getComputedStyle(lit).outlineStyle]; })()""")
        if name == "BODY":
            break
        reached.append(name)
        visible.append(shown != "none")
    wanted = ["BUTTON.theme", "A.c0", "A.c1", "INPUT#all-1", "INPUT", "INPUT#all-3", "DIV.scroll", "DIV.plot",
              "BUTTON.back", "BUTTON.play", "BUTTON.on", "INPUT.frame", "SELECT"]
    check(f"the tab key goes down the page: {reached}", [name for name in reached if name in wanted] == wanted)
    check("and what has the focus is seen to have it", all(visible))


def check_widths(viewer):
    for width in (360, 800, 1280):
        viewer.open(width=width)
        check(f"no row is lost at {width}", viewer.stops([0, 2, 2, 0, 0, 1, 1]))
        over = viewer.js("""[...document.querySelectorAll('body *')].filter(
            e => !e.closest('.scroll, pre, .formula, .tip, svg') && e.getBoundingClientRect().right > innerWidth + 0.5
        ).map(e => e.outerHTML.slice(0, 80))""")
        check(f"nothing is wider than a page of {width}: {over}",
              viewer.js("document.documentElement.scrollWidth") == width and not over)


def check_colours(viewer):
    def brightness():
        colour = viewer.js("getComputedStyle(document.body).backgroundColor")  # rgb(250, 249, 246)
        return sum(map(float, colour.strip("rgb()").split(","))) / 3

    viewer.open(scheme="dark")
    check(f"a dark page is dark: {brightness()}", brightness() < 60)
    viewer.open()
    check("a light one is light", brightness() > 200)
    viewer.click(".theme")
    check("one click and it is dark", brightness() < 60)
    viewer.open()
    check("and stays so", brightness() < 60)
    viewer.click(".theme")
    check("another and it is light", brightness() > 200)


def check_without_script(viewer):
    viewer.page.call("Emulation.setScriptExecutionDisabled", value=True)
    viewer.open()
    stills = viewer.js("""[...document.querySelectorAll('.reel')].map(reel => {
        const [box, image] = [reel, reel.querySelector('img:not([hidden])')].map(e => e.getBoundingClientRect());
        return box.height > 10 && Math.abs(image.height / box.height - 8) < 0.1 &&
          Math.abs(image.bottom - box.bottom) < 1; })""")
    check("without a script the last frames are seen", len(stills) == 7 and all(stills))
    check("and no control that would do nothing",
          viewer.js("[...document.querySelectorAll('.player, .control, .theme')].every(e => e.offsetHeight === 0)"))
    viewer.page.call("Emulation.setScriptExecutionDisabled", value=False)


def main():
    if devtools.program() is None:
        print("no Chromium here; scripts/setup browser installs it")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, devtools.browser() as page:
        path = pathlib.Path(folder) / "index.html"
        subprocess.run([sys.argv[1], path], check=True)
        viewer = Viewer(page, path.as_uri())
        for part in (check_clips, check_clock, check_stops, check_chart, check_keyboard, check_widths, check_colours,
                     check_without_script):
            part(viewer)
        check(f"nothing is wrong: {page.errors}", not page.errors)
        check(f"nothing is asked of a network: {set(page.requests)}", set(page.requests) == {viewer.url})
    sys.exit(1 if failures else 0)


main()
