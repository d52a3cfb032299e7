"""The page as a person uses it: every control, mouse, finger and keyboard, small screens, slow and broken networks."""

import re
from pathlib import Path

import numpy as np
import pytest

WEB = Path(__file__).parents[2] / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
SCENES = ("two", "digits", "small")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}

pytestmark = pytest.mark.slow


def drawn(page):
    """Wait until a path is drawn, and nothing more is on its way."""
    page.wait_for_function(
        "document.querySelectorAll('.path.network').length > 0 && !document.querySelector('#two-message').textContent"
    )


def open_scene(page, scene):
    page.click(f"#tab-{scene}")
    if scene == "digits":
        page.wait_for_function("document.querySelector('#digits-progress').value === 1", timeout=60_000)
    if scene == "small":
        page.wait_for_function(
            "document.querySelector('#nearest-caption').textContent.includes('0 is a copy')", timeout=60_000
        )


def end_of(page, name):
    """Where the path of network or exact answer ends on the screen."""
    last = page.locator(f".path.{name}").last
    return float(last.get_attribute("x2")), float(last.get_attribute("y2"))


def centre(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_network_and_exact_answer_end_in_the_same_place(visit):
    page = visit()
    drawn(page)
    assert page.locator(".path.network").count() == page.locator(".path.exact").count() == 50
    network, exact = end_of(page, "network"), end_of(page, "exact")
    assert np.hypot(*np.subtract(network, exact)) < 10  # of 600


def test_mouse_finger_and_arrow_keys_move_x_T(visit):
    page = visit(has_touch=True)
    drawn(page)
    ends, last = [end_of(page, "network")], "[...document.querySelectorAll('.path.network')].at(-1)"
    label = page.locator(".handle.start").get_attribute("aria-label")

    def moved():
        nonlocal label
        page.wait_for_function(
            "(label) => document.querySelector('.handle.start').getAttribute('aria-label') !== label", arg=label
        )
        label = page.locator(".handle.start").get_attribute("aria-label")
        page.wait_for_function(f"(x) => {last}.getAttribute('x2') !== x", arg=str(ends[-1][0]))
        page.wait_for_timeout(500)
        ends.append(end_of(page, "network"))

    x, y = centre(page, ".handle.start")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 160, y + 200, steps=5)
    page.mouse.up()
    moved()
    client = page.context.new_cdp_session(page)
    x, y = centre(page, ".handle.start")
    for kind, points in (
        ("touchStart", [(x, y)]),
        ("touchMove", [(x - 20, y + 40)]),
        ("touchMove", [(x - 40, y + 80)]),
        ("touchEnd", []),
    ):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": u, "y": v} for u, v in points]})
    moved()
    page.locator(".handle.start").focus()
    for _ in range(12):
        page.keyboard.press("Shift+ArrowRight")
    moved()
    assert len(set(ends)) == 4


def test_x_T_stays_in_the_picture(visit):
    page = visit()
    drawn(page)
    x, y = centre(page, ".handle.start")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    x, y = centre(page, ".handle.start")
    box = page.locator("#plane svg").bounding_box()
    assert box["x"] <= x <= box["x"] + box["width"]
    assert box["y"] <= y <= box["y"] + box["height"]


@pytest.mark.parametrize("show", ["path", "cloud", "field"])
def test_every_control_of_two_pixels_is_used_without_a_complaint(show, visit):
    page = visit()
    drawn(page)
    page.check(f"input[value={show}]")
    for control in ("world", "T", "label", "sampler"):
        for option in page.locator(f"#{control} option").all():
            page.select_option(f"#{control}", option.get_attribute("value") or option.text_content())
            page.wait_for_timeout(150)
    page.select_option("#world", "overlapping")
    page.select_option("#T", "50")
    page.select_option("#label", "1")
    for slider in ("w", "t", "count"):
        if page.locator(f"#{slider}").is_visible():
            page.locator(f"#{slider}").focus()
            for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Home", "End"):
                page.keyboard.press(key)
    page.check("input[value=new]")
    page.click("#play")
    page.wait_for_timeout(400)
    page.click("#play")
    page.wait_for_function("!document.querySelector('#two-message').textContent.includes('cannot')")
    if show == "cloud":
        page.click("#again")
        page.wait_for_function(
            "document.querySelector('#two-result').textContent.includes('Network: energy distance')", timeout=60_000
        )
    if show == "field":
        page.wait_for_function("document.querySelectorAll('#fields figure').length === 3")


def test_own_world_is_drawn_with_mouse_keys_and_numbers(visit):
    page = visit()
    drawn(page)
    page.select_option("#world", "own")
    assert page.locator(".path.network").count() == 0
    x, y = centre(page, ".handle.mode .grip")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 30, steps=4)
    page.mouse.up()
    left = float(page.locator("[data-name=left]").first.input_value())
    assert left != 0.35
    page.locator(".handle.mode").first.focus()
    page.keyboard.press("ArrowLeft")
    for key, name in (("+", "σ"), ("-", "σ"), ("]", "weight"), ("[", "weight")):
        before = page.locator(f"[data-name={name}]").first.input_value()
        page.keyboard.press(key)
        assert page.locator(f"[data-name={name}]").first.input_value() != before, key
    page.click("#add-mode")
    assert page.locator(".handle.mode").count() == 3
    assert page.locator("#label option").count() == 4
    page.locator("[data-name=left]").nth(2).fill("0.9")
    page.keyboard.press("Tab")
    page.locator(".handle.mode").nth(2).focus()
    page.keyboard.press("Delete")
    page.get_by_label("remove mode 1").click()
    assert page.locator(".handle.mode").count() == 1
    assert page.get_by_label("remove mode 0").is_disabled()
    page.check("input[value=cloud]")
    page.wait_for_function(
        "document.querySelector('#two-result').textContent.includes('Exact answer: energy distance')"
    )


def test_cloud_of_an_own_world_follows_after_another_control_was_used(visit):
    page = visit()
    drawn(page)
    page.select_option("#world", "own")
    page.check("input[value=cloud]")
    page.locator(".handle.mode").first.focus()
    page.keyboard.press("ArrowLeft")
    page.select_option("#T", "25")
    page.click("#again")
    said = "document.querySelector('#two-result').textContent"
    page.wait_for_function(f"{said}.includes('energy distance')")
    before = page.inner_text("#two-result")
    page.locator(".handle.mode").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(f"(before) => {said} !== before && {said}.includes('energy distance')", arg=before)


def test_what_was_said_of_a_digit_goes_with_it(visit):
    page = visit()
    open_scene(page, "digits")
    page.click("#put-digit")
    page.click("#bring-back")
    page.wait_for_function("document.querySelector('#read-after').textContent !== ''", timeout=60_000)
    page.click("#wipe")
    assert page.inner_text("#read-before") == page.inner_text("#yours-result") == ""
    assert page.locator("#back canvas").count() == 0


def test_ring_of_a_mode_widens_it(visit):
    page = visit()
    drawn(page)
    page.select_option("#world", "own")
    box = page.locator(".handle.mode .ring").first.bounding_box()
    x, y = box["x"] + 3, box["y"] + box["height"] / 2  # its left edge
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 50, y, steps=4)
    page.mouse.up()
    assert float(page.locator("[data-name=σ]").first.input_value()) > 0.12
    assert float(page.locator("[data-name=left]").first.input_value()) == 0.35


def test_digits_are_drawn_and_your_own_is_brought_back(visit):
    page = visit()
    open_scene(page, "digits")
    for way in ("4", "20"):
        page.select_option("#way", way)
        page.select_option("#digit", "7")
        page.click("#draw-digits")
        page.wait_for_function(
            f"document.querySelector('#digits-t').textContent.startsWith('step {way} of {way}')", timeout=120_000
        )
    assert page.locator("#digits-x canvas").count() == page.locator("#digits-x0 canvas").count() == 10
    page.click("#bring-back")
    assert "Draw a digit first" in page.inner_text("#yours-result")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    page.locator("#noise-t").fill("20")
    page.click("#bring-back")
    page.wait_for_function("document.querySelector('#read-after').textContent !== ''", timeout=60_000)
    assert page.inner_text("#read-before").startswith("read as 1")
    assert page.inner_text("#read-after").startswith("read as 1")
    page.click("#wipe")
    page.click("#put-digit")
    page.click("#bring-back")
    page.wait_for_function("document.querySelector('#read-before').textContent.startsWith('read as 7')", timeout=60_000)


def test_small_systems_show_their_loop_and_the_nearest_training_images(visit):
    page = visit()
    open_scene(page, "small")
    assert "alpha * v + (1 - alpha) * denoised[i]" in page.inner_text("#code")
    page.locator("#S").fill("5")
    for system in ("naive", "glyphs"):
        page.check(f"input[value={system}]")
        page.wait_for_function("document.querySelectorAll('#small-nearest canvas').length === 10", timeout=60_000)
    page.select_option("#structure", "1")
    page.locator("#glyphs-w").fill("2")
    page.click("#draw-small")
    page.wait_for_function("document.querySelectorAll('#small-nearest canvas').length === 10", timeout=60_000)


def test_tabs_by_the_keyboard_alone(visit):
    page = visit()
    drawn(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tab-two"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#digits-progress').value === 1", timeout=60_000)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('section').id") == "digits"
    for scene in ("#small", "#two"):
        page.goto(page.url.split("#")[0] + scene)
        assert page.locator(f"section{scene}").is_visible()


def test_first_picture_comes_before_any_network(visit):
    page = visit(before=lambda page: page.route("**/*.onnx", lambda route: None))
    page.wait_for_selector(".path.exact")
    assert page.locator(".density path").count() == 6
    assert page.locator(".path.network").count() == 0


def test_slow_network_shows_progress(visit):
    def slow(page):
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 20, "downloadThroughput": 400_000, "uploadThroughput": 400_000},
        )

    page = visit(before=slow)
    page.wait_for_selector(".path.exact")
    page.click("#tab-digits")
    page.wait_for_function(
        "/loading: [1-9]\\d* %/.test(document.querySelector('#digits-message').textContent)", timeout=90_000
    )


@pytest.mark.parametrize("lost", ["homework-T50.onnx", "mnist-8.onnx", "tables.json"])
def test_missing_file_is_named_and_all_else_works(lost, visit):
    def lose(page):
        page.route(f"**/{lost}", lambda route: route.fulfill(status=404, body="not here"))

    page = visit(before=lose, allowed=("404",))
    scene = "digits" if lost.startswith("mnist") else "two"
    if scene == "digits":
        page.click("#tab-digits")
    page.wait_for_function(
        f"document.querySelector('#{scene}-message').textContent.includes('data/{lost} could not be loaded')"
    )
    if lost.startswith("homework"):
        assert page.locator(".path.exact").count() == 50
        page.select_option("#T", "25")
        drawn(page)


def test_without_web_assembly_there_are_words_and_still_pictures(visit):
    page = visit(before=lambda page: page.add_init_script("delete globalThis.WebAssembly"))
    page.wait_for_selector(".path.exact")
    assert "no WebAssembly" in page.inner_text("#two-message")
    for scene in ("digits", "small"):
        page.click(f"#tab-{scene}")
        page.wait_for_function(f"document.querySelector('#{scene} img').naturalWidth > 0")


def test_without_javascript_there_is_a_line_and_a_picture(address):
    """Chromium reads <noscript> as text when Playwright switches scripts off, so its content is looked at instead."""
    (said,) = re.findall(r"<noscript>(.*?)</noscript>", (WEB / "dist" / "index.html").read_text(), re.DOTALL)
    (picture,) = re.findall(r'src="\./([^"]+)"', said)
    assert "needs JavaScript" in said
    assert (WEB / "dist" / picture).exists()


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, {"viewport": {"width": 1280, "height": 900}}], ids=["phone", "wide"])
def test_accessible_and_nothing_sticks_out(scene, colours, screen, visit):
    """No violation of axe-core's rules, and no horizontal scrolling."""
    page = visit(color_scheme=colours, **screen)
    drawn(page)
    if scene != "two":
        open_scene(page, scene)
    page.add_script_tag(path=AXE)
    for violation in page.evaluate("axe.run().then((found) => found.violations)"):
        pytest.fail(f"{violation['id']}: {violation['help']}: {[node['html'][:120] for node in violation['nodes']]}")
    assert page.evaluate("document.documentElement.scrollWidth") <= screen["viewport"]["width"]


def test_reduced_motion_plays_step_by_step(visit):
    page = visit(reduced_motion="reduce")
    drawn(page)
    page.click("#play")
    page.wait_for_timeout(600)
    assert page.inner_text("#t-value") == "50"
    page.wait_for_function("document.querySelector('#t-value').textContent === '49'")


def test_the_page_names_no_other_host():
    assert not re.search(r"https?://", "".join(path.read_text() for path in (WEB / "src").iterdir()))
