"""Chromium on a folder that is served at a local address: for the page's tests, its picture, and its speed."""

import contextlib
import functools
import http.server
import shutil
import threading

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class BrowserError(Exception):
    """No browser can be started; the message is one line that says what to do."""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        with contextlib.suppress(ConnectionError):  # a visitor who leaves while a network loads
            super().copyfile(source, outputfile)


def server(folder, port=0):
    """A server of the folder on this machine alone; port 0 takes a free one."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=folder))


@contextlib.contextmanager
def served(folder):
    """The address at which the folder is served meanwhile."""
    with server(folder) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


@contextlib.contextmanager
def chromium():
    """A headless Chromium, driven by Playwright. BrowserError if either is missing."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise BrowserError("Chromium is needed (on Debian: apt install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BrowserError("Playwright is needed: make web-test installs it") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
