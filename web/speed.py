"""How quickly the page answers, in headless Chromium: first picture, dragging, a cloud, digits; and how large it is.

make bench-page
"""

import json
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from web.build import DIST, WEB, server
from web.picture import FLAGS

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


def main():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, server(DIST) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{serving.server_port}/"
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        paints = [first_paint(browser, address) for _ in range(5)]
        print(f"first paint: {statistics.median(paints):.0f} ms (median of 5, no cache)")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        print(
            "dragging x_T, T = 50: {:.0f} ms to the new path (median of 100 events), {:.0f} ms at most".format(
                *drag(page)
            )
        )
        page.check("input[value=cloud]")
        clouds = [wait_for(page, "cloud", 1)]
        for i in (2, 3):
            page.click("#again")
            clouds.append(wait_for(page, "cloud", i))
        print(f"a cloud of 1000, T = 50: {statistics.median(clouds) / 1e3:.1f} s (median of 3)")
        page.click("#tab-digits")
        wait_for(page, "digits", 1)  # with loading
        digits = []
        for i in (2, 3, 4):
            page.click("#draw-digits")
            digits.append(wait_for(page, "digits", i))
        print(f"ten digits by 8 steps: {statistics.median(digits) / 1e3:.2f} s (median of 3)")
        browser.close()
        serving.shutdown()
    size = subprocess.run(
        ["node", "--input-type=module", "-e", SIZE], cwd=WEB, check=True, capture_output=True, text=True
    )
    print(f"our JavaScript: {sum(map(int, size.stdout.split())) / 1e3:.0f} kB, minified, not compressed")
    largest = {p.name: p.stat().st_size for p in Path(DIST, "data").glob("*.onnx")}
    print(f"networks: {json.dumps({name: f'{n / 1e6:.1f} MB' for name, n in sorted(largest.items())})}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
