"""The picture of the page that the READMEs show, web/page.png. A test compares it with the built page.

python -m web.picture
"""

import shutil
import sys
import threading

from experiments.checkpoint import write_atomically
from web.build import DIST, WEB, server

PICTURE = WEB / "page.png"
SIZE = {"width": 1180, "height": 900}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def take(browser, address):
    """The first screen of the page as a PNG, once both paths are drawn."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('.path.network').length === 50")
    png = page.screenshot()
    page.close()
    return png


def main():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, server(DIST) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        write_atomically(PICTURE, take(browser, f"http://127.0.0.1:{serving.server_port}/"))
        browser.close()
        serving.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
