"""The website around the page: links lead somewhere, mathematics is set, search finds; the picture in the READMEs."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow
WEB = Path(__file__).parents[2] / "web"
COURSE = WEB / "dist" / "course"


class Page(HTMLParser):
    """The links and the anchors of an HTML page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name) and tag != "link"]


@pytest.fixture(scope="module")
def pages(address):
    if not COURSE.exists():
        pytest.skip("the course is not built: make web-test builds it")
    return {path: Page(path) for path in (WEB / "dist").rglob("*.html") if "_static" not in path.parts}


def test_every_link_leads_to_a_file_and_an_anchor(pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if not target.exists():
                broken.append(f"{path.name}: {link}")
            elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
                broken.append(f"{path.name}: {link} (no such anchor)")
    assert not broken, broken[:20]


def test_the_pages_links_into_the_course_lead_somewhere(pages):
    """Those that JavaScript fills in."""
    text = (WEB / "index.html").read_text() + (WEB / "src" / "characters.js").read_text()
    notebooks = set(re.findall(r'data-notebook="(\w+)"|notebook: "(\w+)"', text))
    names = {a or b for a, b in notebooks}
    assert len(names) > 8
    for name in names:
        assert (COURSE / "notebooks" / f"{name}.html").exists(), name


def test_equations_of_the_front_page_lead_to_the_code(pages):
    front = pages[COURSE / "README.html"]
    assert "code/utils.html#utils-reverse-step" in front.links
    assert "utils-reverse-step" in pages[COURSE / "code" / "utils.html"].anchors


def test_mathematics_is_set_and_search_finds(visit, pages):
    themes = ("[PST]", "theme mode")  # what the theme says of itself on the console
    page = visit(path="course/notebooks/01_two_pixel_world.html", allowed=themes)
    page.wait_for_selector("mjx-container")
    page.goto(page.url.split("/notebooks")[0] + "/search.html?q=GroupNorm")
    page.wait_for_selector("#search-results li a")


def test_picture_of_the_readme_is_that_of_the_page(browser, address):
    """Up to the fonts of the machine; python -m web.picture takes a new one."""
    from web.picture import PICTURE, take

    old, new = (
        np.asarray(Image.open(source).convert("RGB"), dtype=float)
        for source in (PICTURE, io.BytesIO(take(browser, address)))
    )
    assert old.shape == new.shape
    assert np.abs(old - new).mean() < 6  # of 255
