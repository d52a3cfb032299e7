"""The built page in Chromium, driven by Playwright. Skipped with a line where there is none; in CI that is a fault."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from web.browser import BrowserError, chromium, served

WEB = Path(__file__).parents[2] / "web"


def missing(what):
    """Skip, or fail in CI, where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser():
    with ExitStack() as stack:
        try:
            started = stack.enter_context(chromium())
        except BrowserError as error:
            missing(str(error))
        yield started


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
