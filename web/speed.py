"""How quickly the page answers in headless Chromium, and how large it is: `make bench-page`.

First picture, dragging, a cloud, digits; the size of our own JavaScript, and of each network.
"""

import statistics
import subprocess
import sys

from web.browser import chromium, served
from web.build import DIST, WEB, npm_environment

SIZE = """
import { build } from "vite";
for (const entry of ["src/main.js", "src/worker.js"]) {
  const external = ["d3", "onnxruntime-web/wasm", /worker.js/], lib = { entry, formats: ["es"] };
  const [{ output }] = await build({ configFile: false, logLevel: "silent", define: { __COURSE__: "true" },
    build: { write: false, copyPublicDir: false, lib, minify: true, target: "es2022", rollupOptions: { external } } });
  console.log(output[0].code.length);
}
"""


def durations(page, name):
    """Milliseconds of all measures of that name that the page has made."""
    return page.evaluate(f"performance.getEntriesByName('{name}').map((entry) => entry.duration)")


def wait_for(page, name, more=1):
    """Wait until the page has made so many measures of that name; the last one."""
    page.wait_for_function(f"performance.getEntriesByName('{name}').length >= {more}", timeout=300_000)
    return durations(page, name)[-1]


def first_paint(browser, address):
    """Milliseconds to the first contentful paint, without a cache."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    context.close()
    return paint


def drag(page, events=100):
    """Milliseconds from each of many moves of x_T to the redrawn path: the median, and the slowest of them."""
    wait_for(page, "drawn")
    page.wait_for_timeout(500)
    box = page.locator(".handle.start").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(events):
        before = len(durations(page, "drawn"))
        page.mouse.move(x + 1.5 * (i + 1), y - (i % 40))
        wait_for(page, "drawn", before + 1)
    page.mouse.up()
    measured = durations(page, "drawn")[-events:]
    return statistics.median(measured), max(measured)


def several(page, name, button, times=3):
    """The median of the milliseconds of `times` measures of that name, each begun by a click on a button."""
    done = len(durations(page, name))
    for i in range(times):
        page.click(button)
        wait_for(page, name, done + i + 1)
    return statistics.median(durations(page, name)[done:])


def own_javascript():
    """Bytes of our own JavaScript, minified, not compressed, without the libraries."""
    command = ["node", "--input-type=module", "-e", SIZE]
    sizes = subprocess.run(command, cwd=WEB, env=npm_environment(), check=True, capture_output=True, text=True)
    return sum(map(int, sizes.stdout.split()))


def main():
    with served(DIST) as address, chromium() as browser:
        paint = statistics.median(first_paint(browser, address) for _ in range(5))
        print(f"first paint: {paint:.0f} ms (median of 5, no cache)")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        median, most = drag(page)
        print(f"dragging x_T, T = 50: {median:.0f} ms to the new paths (median of 100 events), {most:.0f} ms at most")
        page.check("input[value=cloud]")
        wait_for(page, "cloud")
        print(f"a cloud of 1000, T = 50: {several(page, 'cloud', '#again') / 1e3:.1f} s (median of 3)")
        page.click("#tab-digits")
        wait_for(page, "digits")
        print(f"ten digits by 8 steps: {several(page, 'digits', '#draw-digits') / 1e3:.2f} s (median of 3)")
    print(f"our JavaScript: {own_javascript() / 1e3:.0f} kB, minified, not compressed")
    for model in sorted((DIST / "data").glob("*.onnx")):
        print(f"{model.name}: {model.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
