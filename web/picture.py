"""The picture of the page that the READMEs show: `python -m web.picture` takes it from the built page.

A test compares the committed one with the page, so that it cannot go stale.
"""

import sys

from experiments.checkpoint import write_atomically
from web.browser import chromium, served
from web.build import DIST, WEB

PICTURE = WEB / "page.png"
SIZE = {"width": 1180, "height": 900}


def take(browser, address):
    """The first screen of the page as a PNG, once both paths are drawn."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('.path.network').length === 50")
    png = page.screenshot()
    page.close()
    return png


def main():
    with served(DIST) as address, chromium() as browser:
        write_atomically(PICTURE, take(browser, address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
