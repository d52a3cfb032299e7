"""The built page in Chromium, driven by Playwright. Skipped with a line where there is none; in CI that is a fault."""

import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def missing(what):
    """Skip, or fail in CI, where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        missing("the page's tests need Chromium (on Debian: apt install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the page's tests need Playwright: make web-test installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(folder):
    from web.build import server

    with server(folder) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


@pytest.fixture(scope="session")
def address():
    """Of the built page."""
    if not (WEB / "dist" / "index.html").exists():
        missing("the page is not built: make web-test builds it")
    with served(WEB / "dist") as address:
        yield address


@pytest.fixture(scope="session")
def sources(browser):
    """A page that can import the modules of web/src that need no bundler."""
    with served(WEB / "src") as address:
        page = browser.new_page()
        page.goto(address)
        yield page
        page.close()


@pytest.fixture
def visit(browser, address):
    """visit(**options of the browser's context) -> the page, opened. No console message, no foreign host is allowed."""
    contexts, said = [], []

    def open_page(before=lambda page: None, path="", allowed=(), **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()

        def note(text):
            if not any(a in text for a in allowed):
                said.append(text)

        page.on("console", lambda m: note(f"console {m.type}: {m.text}"))
        page.on("pageerror", lambda e: note(f"error: {e}"))
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else said.append(r.url))
        before(page)
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not said, said
