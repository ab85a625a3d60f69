"""The page of --display web in Debian's headless Chromium, with real frames."""

import http.client
import itertools
import json
import os
import re
import signal
import socket
import time
from urllib.parse import quote

import numpy as np
import pytest

from edgefkp.demo import web
from edgefkp.demo.displays import KEYS
from edgefkp.layout import KAGGLE15, SIDE_COLORS
from tests.demo import webdriver

SHOWN = "window.edgefkp && edgefkp.shown"


@pytest.fixture(scope="module")
def shared_browser():
    with webdriver.Browser(size=(1100, 700)) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser):
    yield shared_browser
    shared_browser.open("about:blank")
    shared_browser.resize(1100, 700)


def text(browser, name: str) -> str:
    return browser.run(f"return document.getElementById('{name}').textContent")


def moves_on(browser) -> None:
    before = browser.run(f"return {SHOWN}") or 0
    browser.wait_for(f"({SHOWN}) > {before + 2}", 30)


def get(display, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", display.server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, (path, body)
    return body


def wait_until(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def shows_the_points(screenshot: bytes) -> bool:
    """Points of the three colors are on the image."""
    import cv2

    image = cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_COLOR).astype(int)[:, :600]
    return all((np.abs(image - color[::-1]).max(-1) < 50).sum() > 15 for color in SIDE_COLORS.values())


@webdriver.needed
def test_the_page_shows_the_face_and_takes_buttons_and_keys(live, browser):
    browser.open(live.server.url)
    browser.wait_for("document.getElementById('image').width === 640")
    browser.wait_for("document.getElementById('face').textContent.startsWith('1: ')")
    # Some frames of the walk have the face small: points of a few pixels that JPEG blurs.
    assert any(shows_the_points(browser.screenshot()) for _ in range(20))
    for command, press in (
        ("smoothing", lambda: browser.run("document.getElementById('smoothing').click()")),
        ("names", lambda: browser.press(KEYS_OF["names"])),
    ):
        state = f"document.querySelector('#{command} .state').textContent"
        before = browser.run(f"return {state}")
        press()
        browser.wait_for(f"{state} !== '{before}'")
        pressed = browser.run(f"return document.getElementById('{command}').ariaPressed")
        assert browser.run(f"return {state}") == {"true": "on", "false": "off"}[pressed]


KEYS_OF = {command: key for key, command in KEYS.items()}


@webdriver.needed
def test_the_page_explains_its_colors(live, browser):
    browser.open(live.server.url)
    browser.wait_for("document.getElementById('legend').children.length === 3")
    legend = browser.run(
        "return [...document.getElementById('legend').children].map((one) => "
        "[one.textContent, one.firstChild.style.background])"
    )
    for (words, color), (side, rgb) in zip(legend, SIDE_COLORS.items(), strict=True):
        assert side in words
        assert color == "rgb({}, {}, {})".format(*rgb)


@webdriver.needed
def test_faces_and_confidence_are_set_while_it_runs(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    for name, value, field, wanted in (("faces", 3, "max_faces", 3), ("confidence", 99, "confidence", 0.99)):
        browser.run(
            f"const slider = document.getElementById('{name}'); slider.value = {value}; "
            "for (const kind of ['input', 'change']) slider.dispatchEvent(new Event(kind))"
        )
        wait_until(lambda field=field, wanted=wanted: json.loads(get(live, "/numbers"))[field] == wanted)


@webdriver.needed
def test_a_comparison_is_one_image_with_a_title(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    browser.run("document.getElementById('compare').click()")
    browser.wait_for("document.getElementById('caption').textContent !== ''")
    title = text(browser, "caption")
    numbers = json.loads(get(live, "/numbers"))
    assert title == f"dots: {numbers['model']}, rings: {numbers['compared']}"
    browser.wait_for("!document.getElementById('comparison').hidden")
    assert browser.run("return document.getElementById('image').width") == 640


# A desktop, one at 200 %, a phone on its side, and upright ones.
@webdriver.needed
@pytest.mark.parametrize("size", [(1366, 768), (683, 384), (740, 360), (390, 844), (320, 568)])
def test_image_and_controls_fit_on_every_screen(live, browser, size):
    browser.resize(*size)
    browser.open(live.server.url)
    moves_on(browser)
    browser.wait_for("document.getElementById('legend').children.length === 3")
    width, height, wide, boxes = browser.run(
        "const box = (one) => one.getBoundingClientRect();"
        "const all = [document.getElementById('image'), ...document.querySelectorAll('.controls > *:not([hidden])')];"
        "return [innerWidth, innerHeight, document.documentElement.scrollWidth,"
        " all.map(box).map(({left, top, right, bottom}) => [left, top, right, bottom])]"
    )
    assert (width, height) == size
    assert wide <= width
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    image = boxes[0]
    assert (image[2] - image[0]) / (image[3] - image[1]) == pytest.approx(640 / 480, rel=0.02)


def luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


STYLE = "return getComputedStyle(document.querySelector('{}'))['{}']"


@webdriver.needed
@pytest.mark.parametrize("path", ["/", "/browser"])
def test_pages_are_light_or_dark_as_the_system_is_and_their_controls_stand_out(live, browser, path):
    browser.open(live.server.url.rstrip("/") + path)
    browser.wait_for("document.querySelector('#smoothing[aria-pressed=true]')")
    pages = {}
    for scheme in ("light", "dark"):
        browser.resize(1100, 700, prefers_color_scheme=scheme)
        page, words, edge = (
            browser.run(STYLE.format(*place))
            for place in (("body", "backgroundColor"), ("body", "color"), ("#names", "borderTopColor"))
        )
        pages[scheme] = page
        assert contrast(page, words) > 7
        assert contrast(page, edge) > 3  # WCAG 1.4.11
        on, off = (browser.run(STYLE.format(name, "backgroundColor")) for name in ("#smoothing", "#names"))
        assert contrast(on, off) > 3
    assert luminance(pages["light"]) > 0.8 > 0.1 > luminance(pages["dark"])


@webdriver.needed
def test_with_forced_colors_pressed_buttons_and_bars_are_seen(live, browser):
    browser.resize(1100, 700, forced_colors="active")
    browser.open(live.server.url)
    browser.wait_for("document.querySelector('#smoothing[aria-pressed=true]')")
    on, off = (browser.run(STYLE.format(name, "backgroundColor")) for name in ("#smoothing", "#names"))
    assert contrast(on, off) > 3
    bar, page = (browser.run(STYLE.format(name, "backgroundColor")) for name in (".bar", "body"))
    assert contrast(bar, page) > 3


@webdriver.needed
def test_numbers_do_not_push_the_page_about(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    browser.wait_for("document.querySelector('#smoothing[aria-pressed=true]')")  # the first numbers have come
    places = (
        "return [...document.querySelectorAll('aside table, aside td, #image')]"
        ".map((one) => one.getBoundingClientRect()).map(({left, top, width, height}) => [left, top, width, height])"
    )
    boxes = set()
    for _ in range(8):
        boxes.add(str(browser.run(places)))
        time.sleep(0.25)
    assert len(boxes) == 1


@webdriver.needed
def test_a_page_that_was_suspended_moves_on(live, monkeypatch):
    for module in ("handler", "connections"):
        monkeypatch.setattr(f"edgefkp.demo.{module}.PATIENCE", 1.0)
    with webdriver.Browser() as browser:
        browser.open(live.server.url)
        moves_on(browser)
        processes = browser.processes()
        assert processes
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        wait_until(lambda: not live._streams, 60)  # the server has given up
        for process in processes:
            os.kill(process, signal.SIGCONT)
        moves_on(browser)
        browser.wait_for("document.getElementById('message').textContent === ''")


@webdriver.needed
def test_a_stream_that_falls_silent_is_taken_anew(live, browser, monkeypatch):
    frames = live._frames
    calls = itertools.count()

    def silent_at_first():
        if next(calls):
            yield from frames()
        else:
            yield next(frames())
            live.server.closing.wait(60)

    monkeypatch.setattr(live, "_frames", silent_at_first)
    browser.open(live.server.url)
    browser.wait_for(f"({SHOWN}) > 5", 30)


@webdriver.needed
def test_a_page_that_nobody_sees_holds_no_stream_and_takes_it_up_again(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    assert sum(live._streams.values()) == 1
    for hidden in ("true", "false"):
        browser.run(
            f"Object.defineProperty(document, 'hidden', {{ get: () => {hidden}, configurable: true }});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        wait_until(lambda hidden=hidden: bool(live._streams) == (hidden == "false"))
    moves_on(browser)


@pytest.mark.slow
@webdriver.needed
def test_seven_windows_of_one_browser_do_not_block_each_other(live):
    with webdriver.Browser() as browser:
        browser.open(live.server.url)
        first = browser.window()
        for _ in range(6):
            browser.new_window()
            browser.open(live.server.url)
            browser.wait_for(SHOWN)
        saying = browser.run("return edgefkp.saying")
        assert max(live._streams.values()) <= web.STREAMS
        assert saying == ("single" if sum(live._streams.values()) == web.STREAMS else "live")
        browser.turn_to(first)
        browser.run("document.getElementById('names').click()")
        wait_until(lambda: json.loads(get(live, "/numbers"))["names"], 10)


@webdriver.needed
def test_a_new_token_is_said_and_a_demo_that_was_started_again_is_taken_up(start_demo, browser):
    for host, said in (("0.0.0.0", "new token"), ("127.0.0.1", "")):
        first = start_demo(host=host)
        port, token = first.display.server.port, first.display.server.token
        browser.open(f"http://127.0.0.1:{port}/" + (f"?token={token}" if token else ""))
        moves_on(browser)
        first.demo.do("quit")
        first.thread.join(20)
        browser.wait_for("document.getElementById('message').textContent.includes('has ended')")
        again = start_demo(host=host, port=port)
        if said:
            browser.wait_for(f"document.getElementById('message').textContent.includes('{said}')")
        else:
            moves_on(browser)
            browser.wait_for("document.getElementById('message').textContent === ''")
        assert again.display.server.port == port


@webdriver.needed
def test_a_snapshot_that_cannot_be_written_is_said_on_the_page(start_demo, browser, tmp_path):
    (tmp_path / "file").write_text("")
    live = start_demo(folder=tmp_path / "file")
    browser.open(live.display.server.url)
    moves_on(browser)
    for name in ("snapshot", "record"):
        browser.run(f"document.getElementById('{name}').click()")
        browser.wait_for("document.getElementById('message').textContent.startsWith('cannot')")
    moves_on(browser)
    assert live.thread.is_alive()


@webdriver.needed
def test_snapshots_and_recordings_are_downloaded_from_the_page(start_demo, browser, tmp_path):
    folder = tmp_path / "files"
    live = start_demo(folder=folder)
    browser.open(live.display.server.url)
    moves_on(browser)
    browser.run("document.getElementById('snapshot').click()")
    browser.run("document.getElementById('record').click()")
    browser.wait_for("document.getElementById('record').ariaPressed === 'true'")
    moves_on(browser)
    browser.run("document.getElementById('record').click()")
    browser.wait_for("document.querySelectorAll('#files a').length === 2")
    names = browser.run("return [...document.querySelectorAll('#files a')].map((link) => link.getAttribute('href'))")
    files = {f"/files/{quote(path.name)}": path for path in folder.iterdir()}
    assert set(names) == set(files)
    for name, path in files.items():
        assert get(live.display, name) == path.read_bytes()
    (folder / "other.png").write_bytes(b"x")
    assert live.display._file("other.png") is None


@webdriver.needed
def test_a_photo_and_a_video_of_ones_own_are_shown_with_points(live, browser, astronaut, video, tmp_path):
    import cv2

    photo = tmp_path / "a photo.png"
    cv2.imwrite(str(photo), astronaut)
    browser.open(live.server.url)
    moves_on(browser)
    browser.give("#file", photo)
    browser.wait_for("document.getElementById('photo').naturalWidth > 0")
    assert "1 face: " in text(browser, "caption")
    assert any(shows_the_points(browser.screenshot()) for _ in range(3))
    browser.give("#file", video)
    browser.wait_for("document.getElementById('film').currentTime > 0.2")
    assert "60 frames, 60 with a face" in text(browser, "caption")
    browser.run("document.getElementById('back').click()")
    browser.wait_for("!document.getElementById('image').hidden")
    moves_on(browser)


@webdriver.needed
def test_a_file_that_is_dropped_on_the_page_is_taken_and_a_bad_one_is_said(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    for name, said in (("notes.txt", "neither an image nor a video"), ("broken.jpg", "not an image")):
        browser.run(
            "const data = new DataTransfer();"
            f"data.items.add(new File(['no image'], '{name}'));"
            "window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))"
        )
        browser.wait_for(f"document.getElementById('message').textContent.includes('{said}')")
    assert browser.run("return document.getElementById('photo').hidden")


@webdriver.needed
def test_a_file_that_is_too_large_is_not_sent(live, browser):
    browser.open(live.server.url)
    moves_on(browser)
    browser.run(
        "const data = new DataTransfer();"
        "data.items.add(new File([new Uint8Array(65 << 20)], 'film.mp4'));"
        "window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))"
    )
    browser.wait_for("document.getElementById('message').textContent.includes('up to 64 MB')")


def test_several_viewers_do_not_slow_the_pipeline(live):
    def rate() -> float:
        first, began = live.shown, time.monotonic()
        time.sleep(1.5)
        return (live.shown - first) / (time.monotonic() - began)

    while live.shown < 5:
        time.sleep(0.05)
    alone = rate()
    viewers = [socket.create_connection(("127.0.0.1", live.server.port)) for _ in range(6)]
    for viewer in viewers:  # they ask, and never read
        viewer.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
    together = rate()
    for viewer in viewers:
        viewer.close()
    assert together > 0.7 * alone


def test_a_late_viewer_gets_the_newest_frame(live):
    def frame() -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", live.server.port, timeout=10)
        connection.request("GET", "/frame.jpg")
        body = connection.getresponse().read()
        connection.close()
        return body

    while live.shown < 2:
        time.sleep(0.05)
    first = frame()
    assert first.startswith(b"\xff\xd8")
    number = live.shown
    while live.shown < number + 10:
        time.sleep(0.05)
    assert frame() != first


def test_the_numbers_are_those_of_the_newest_view(live):
    while live.shown < 3:
        time.sleep(0.05)
    connection = http.client.HTTPConnection("127.0.0.1", live.server.port, timeout=10)
    connection.request("GET", "/numbers")
    numbers = json.load(connection.getresponse())
    connection.close()
    assert numbers["frames"] >= 3
    assert len(numbers["faces"][0]["keypoints"]) == KAGGLE15.count
    assert set(numbers["faces"][0]["pose"]) == {"turn", "tilt", "nod"}
    assert set(numbers["ms"]) == {"find", "network", "smooth", "total"}
    assert (numbers["message"], numbers["told"]) == ("", "")
    assert numbers["model"] in numbers["choices"]


@webdriver.needed
def test_the_last_minutes_are_lines_and_a_board_without_a_sensor_has_none(live, browser, monkeypatch):
    monkeypatch.setattr(web, "temperature", lambda: None)
    browser.open(live.server.url)
    corners = "document.querySelector('#fps-history polyline').getAttribute('points')?.split(' ').length"
    browser.wait_for(f"{corners} >= 2")
    assert "in the last 3 minutes" in browser.run("return document.getElementById('fps-history').ariaLabel")
    assert browser.run("return document.getElementById('warm').hidden")
    monkeypatch.setattr(web, "temperature", lambda: 61.4)
    browser.wait_for("!document.getElementById('warm').hidden")
    assert text(browser, "temperature") == "61"
    assert browser.run("return document.getElementById('temperature-history').ariaLabel") == (
        "temperature of the board, °C: 61 in the last 3 minutes"
    )


@webdriver.needed
def test_a_line_holds_three_minutes_and_a_value_every_two_seconds(live, browser):
    browser.open(live.server.url)
    drawn = browser.run("""
        return import("/history.js").then(({ History }) => {
            const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
            document.createElement("td").append(svg);
            const history = new History(svg, "rate", 0);
            for (let second = 0; second <= 400; second++) history.add(second < 390 ? 30 : 15, second);
            const corners = svg.firstChild.getAttribute("points").split(" ");
            return [history.points.length, corners, svg.getAttribute("aria-label")];
        });""")
    count, corners, words = drawn
    assert count == len(corners) == 91
    assert corners[0] == "0.0,2.0"  # the oldest one, at the top
    assert corners[-1] == "120.0,13.0"  # half as fast: half as high
    assert words == "rate: 15 to 30 in the last 3 minutes"
