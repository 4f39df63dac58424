"""The console in a real Chromium: each workflow once, by keyboard where there is a key for it, and for everybody."""

import datetime
import re
import shutil

import pytest

import vhashdb
from tests.browser import LAPTOP, PHONE
from tests.service.serving import ALL, service_with_keys
from vhashdb.store import Details
from vhashdb.store.settings import Rules

SEVERITIES = {"harbour": "extreme", "night_city": "high", "playground": "medium", "valley": "low"}
OF_PLAYER = "document.querySelector('video')"


@pytest.fixture(scope="session")
def graded_folder(samples, tmp_path_factory):
    """A database of the films of the repository with severities, one of which is to be looked at again."""
    folder = tmp_path_factory.mktemp("console") / "known.vhdb"
    past = datetime.date.today() - datetime.timedelta(days=9)
    with vhashdb.create(folder) as db:
        for stem, severity in SEVERITIES.items():
            db.add(samples / "known" / f"{stem}.mp4", details=Details((f"label-{severity}",), severity, f"known as {stem}"))
        db.add(samples / "unknown" / "train.mp4", details=Details(review_by=past))
        db.moderation.reviews.set_rules(Rules(two_person=True))
    return folder


@pytest.fixture(scope="module")
def console(graded_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "db.vhdb"
    shutil.copytree(graded_folder, folder)
    with service_with_keys(folder, severe_reminder=2) as running:
        yield running


@pytest.fixture
def ask(console, samples):
    """Send samples that people have to look at; return the ids of their questions."""

    def ask(*names, called=""):
        with console.client("ask") as client:
            films = [
                (samples / folder / f"{name}.mp4").read_bytes()
                for name in names
                for folder in ("edited", "unknown")
                if (samples / folder / f"{name}.mp4").exists()
            ]
            sent = [
                client.post("/v1/questions", params={"review": True, "name": called or f"{name}.mp4"}, content=film)
                for name, film in zip(names, films, strict=True)
            ]
        return [one.json()["id"] for one in sent]

    return ask


@pytest.fixture
def enter(console, chromium):
    """Sign in, and go to a page."""

    def enter(path="/queue", key=ALL, **options):
        visit = chromium.at(console.address, f"/login?next={path.replace('?', '%3F').replace('&', '%26')}", **options)
        visit.page.fill("#key", console.keys[key])
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_url(f"{console.address}{path}")
        return visit

    return enter


def press(visit, keys):
    """Press keys one after the other, and wait for the page that the last one leads to."""
    with visit.page.expect_navigation():
        for key in keys:
            visit.page.keyboard.press(key)


def follow(visit, *texts):
    """Click the first link of the queue with one of these texts, and wait for the page that it leads to."""
    with visit.page.expect_navigation():
        visit.page.locator(".queue [data-main]", has_text=texts[0] if texts else None).first.click()


def until(visit, true):
    """Wait for something to become true on a page, whose policy lets no script of a test run in it by itself."""
    for _ in range(500):
        if visit.page.evaluate(true):
            return
        visit.page.wait_for_timeout(20)
    raise AssertionError(true)


def heading(visit):
    return visit.page.locator("h1").inner_text()


def test_a_case_takes_two_keys_and_one_takes_it_back(ask, enter):
    ask("harbour__insert", "harbour__speed125")
    visit = enter("/queue?label=label-extreme")
    assert "2 uploads" in visit.page.locator(".queue").inner_text()
    visit.page.keyboard.press("j")
    assert visit.page.evaluate("document.activeElement.closest('[data-row]') !== null")
    press(visit, "b")
    assert "harbour" in heading(visit)
    assert "You are at it" in visit.page.locator("body").inner_text()
    case = visit.page.url
    press(visit, "y2")
    assert visit.page.url.endswith("/queue?label=label-extreme")
    assert "2 uploads" in visit.page.locator(".undo:not(.pause)").inner_text()
    assert visit.page.locator(".queue").count() == 0
    visit.page.goto(f"{visit.page.url.split('/queue')[0]}/decided")
    said = visit.page.locator("table").inner_text()
    assert said.count("an edited copy") == 2
    assert "+".join(ALL) in said
    visit.page.goto(case)
    assert heading(visit) == "This case does not wait for you"
    assert visit.page.locator("table").inner_text().count("an edited copy") == 2
    press(visit, "q")
    press(visit, "u")
    assert "harbour" in heading(visit)
    assert visit.problems == visit.outside == []


def test_a_copy_can_be_left_out(ask, enter):
    ask("night_city__crop", "night_city__grey")
    visit = enter("/queue?label=label-high")
    press(visit, "b")
    assert visit.page.locator(".copies li").count() == 2
    visit.page.keyboard.press("x")
    visit.page.keyboard.press("2")
    left = visit.page.locator(".copies .name").nth(1).inner_text()
    press(visit, "n1")
    assert left in heading(visit)  # what was left out is the next case
    press(visit, "n2")
    assert visit.page.locator(".queue").count() == 0


def test_several_are_passed_on_at_once_and_wait_for_somebody_else(ask, enter, console):
    ask("playground__logo", "valley__clip")
    visit = enter("/queue")
    rows = visit.page.locator("[data-row^=video-]", has_text=re.compile("playground|valley"))
    assert rows.count() == 2
    for row in rows.all():
        row.locator("[data-main]").focus()
        visit.page.keyboard.press("x")
    assert visit.page.locator("#chosen").inner_text() == "2 chosen"
    press(visit, "e2")
    assert "playground" not in visit.page.locator("main").inner_text()
    assert re.search(r"[2-9] more cases wait for somebody else", visit.page.locator("main").inner_text())
    other = enter("/queue", key="second person")
    follow(other, "playground")
    assert "Passed on to somebody else by ask+record" in other.page.locator("main").inner_text()
    press(other, "y1")


def test_the_player_shows_nothing_until_a_key_is_held(ask, enter):
    ask("valley__mirror")
    visit = enter("/queue?label=label-low")
    follow(visit, "valley__mirror")
    page = visit.page
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/media" in request.url else None)

    def player(what):
        return page.evaluate(f"{OF_PLAYER}.{what}")

    def filtered():
        return page.evaluate(f"getComputedStyle({OF_PLAYER}).filter")

    assert asked == []
    assert (player("preload"), player("muted"), player("paused"), player("autoplay")) == ("none", True, True, False)
    assert "grayscale" in filtered() and "blur" in filtered()
    page.keyboard.press("s")
    until(visit, f"{OF_PLAYER}.readyState >= 2 && !{OF_PLAYER}.seeking")
    assert asked
    page.keyboard.down("v")
    assert (filtered(), player("muted")) == ("none", True)
    page.keyboard.up("v")
    assert "blur" in filtered()
    page.keyboard.down("m")
    assert (filtered(), player("muted")) == ("none", False)
    page.keyboard.up("m")
    assert ("blur" in filtered(), player("muted")) == (True, True)
    hold = page.locator("[data-hold=picture]")
    hold.hover()
    page.mouse.down()
    assert filtered() == "none"
    page.mouse.move(0, 0)
    assert "blur" in filtered()
    page.mouse.up()
    # Frame by frame: 24 a second.
    page.keyboard.press("0")
    until(visit, f"{OF_PLAYER}.currentTime === 0 && document.querySelector('[data-player]').dataset.frame === '0'")
    shown = [0.0]
    for key in "..,":
        page.keyboard.press(key)
        until(visit, f"Number(document.querySelector('[data-player]').dataset.frame) !== {shown[-1]}")
        shown.append(float(page.locator("[data-player]").get_attribute("data-frame")))
    assert shown == pytest.approx([0, 1 / 24, 2 / 24, 1 / 24], abs=0.002)
    assert player("paused")
    assert page.evaluate("document.getAnimations().length") == 0
    assert visit.problems == []


def test_after_some_severe_cases_there_is_a_reminder_to_pause(ask, enter):
    ask("harbour__insert", "night_city__letterbox")
    visit = enter("/queue", key="second person")
    for name in ("harbour", "night_city"):
        assert visit.page.locator(".pause").count() == 0
        follow(visit, name)
        press(visit, "q")
    follow(visit, "night_city__letterbox")
    assert visit.page.locator(".screen polygon:not([hidden])").count() == 0
    visit.page.keyboard.press("s")
    visit.page.locator(".screen polygon:not([hidden])").wait_for()  # where in the frame it matched: between the bands
    over, under = visit.page.locator(".screen polygon").bounding_box(), visit.page.locator(".screen video").bounding_box()
    assert 0.6 < over["height"] / under["height"] < 0.95
    press(visit, "q")
    assert "2 severe cases" in visit.page.locator(".pause").inner_text()
    visit.page.locator(".pause button").click()
    assert visit.page.locator(".pause").count() == 0


def test_two_people_accept_a_record(enter):
    first = enter("/queue?kind=record", key=("decide",))
    follow(first)
    press(first, "a1")
    assert "another person has to confirm it" in first.page.locator(".undo:not(.pause)").inner_text()
    assert first.page.locator(".queue").count() == 0
    second = enter("/queue?kind=record", key="second person")
    follow(second)
    assert "decide proposed that it be accepted" in second.page.locator("main").inner_text()
    press(second, "a1")
    assert second.page.locator(".queue").count() == 0


def test_an_upload_shows_how_far_it_is_and_what_was_found(enter, samples):
    visit = enter("/upload", key=("ask",))
    visit.page.set_input_files("#file", [samples / "edited" / "playground__caption.mp4", samples / "unknown" / "balloons.mp4"])
    visit.page.locator("#upload-form button.main").click()
    links = visit.page.locator("#sending a")
    links.nth(1).wait_for(timeout=30_000)
    assert [links.nth(0).inner_text(), links.nth(1).inner_text()] == ["match", "no match"]
    with visit.page.expect_navigation():
        links.first.click()
    assert heading(visit) == "playground__caption.mp4"
    assert "People have to decide" in visit.page.locator("main").inner_text()
    assert visit.page.locator("figure.timeline svg[role=img]").count() == 1
    assert visit.problems == visit.outside == []


def test_a_file_that_is_dropped_is_sent(enter, samples):
    visit = enter("/upload", key=("ask",))
    dropped = visit.page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['no video'], '<b>x</b>.mp4')); return data; }"
    )
    visit.page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    visit.page.locator("#sending a").wait_for(timeout=30_000)
    assert visit.page.locator("#sending li").inner_text().startswith("<b>x</b>.mp4")
    assert visit.page.locator("#sending a").inner_text() == "unreadable"


def test_everything_works_without_a_script(ask, enter, samples):
    ask("valley__clip")
    visit = enter("/upload", script=False)
    visit.page.set_input_files("#file", samples / "unknown" / "balloons.mp4")
    visit.page.locator("#upload-form button.main").click()
    visit.page.locator(".badge.no-match").wait_for(timeout=30_000)  # the page loads again by itself
    visit.page.locator("nav a", has_text="Queue").click()
    follow(visit, "valley")
    visit.page.locator("#decide summary", has_text="Pass on").click()
    visit.page.locator("#decide details[open] button", has_text="I cannot tell").click()
    assert "passed on" in visit.page.locator(".undo:not(.pause)").inner_text()


def test_an_administrator_makes_a_key_and_takes_it_back(enter, console):
    visit = enter("/keys", key=("administer",))
    visit.page.fill("#name", "Ann")
    visit.page.locator("input[value=ask]").check()
    visit.page.locator("form[action='/keys'] button").click()
    secret = visit.page.locator("#secret").input_value()
    with console.client() as client:
        assert client.get("/v1/questions", headers={"X-API-KEY": secret}).status_code == 200
        visit.page.goto(f"{console.address}/keys")
        assert secret not in visit.page.content()
        row = visit.page.locator("tr", has=visit.page.locator("th", has_text=re.compile("^Ann$")))
        row.locator("summary").click()
        row.locator("button.danger").click()
        assert "revoked" in visit.page.locator("tr", has=visit.page.locator("th", has_text=re.compile("^Ann$"))).inner_text()
        assert client.get("/v1/questions", headers={"X-API-KEY": secret}).status_code == 401


def test_the_accessibility_check_finds_nothing_and_nothing_is_scrolled_sideways(ask, enter, console):
    ask("night_city__letterbox", "dark_room")
    visit = enter("/queue")
    cases = visit.page.locator(".queue [data-main]").evaluate_all("all => all.map(link => link.getAttribute('href'))")
    wanted = [next(case for case in cases if kind in case) for kind in ("video", "unchecked")]
    for path in ("/queue", *wanted, "/upload", "/statistics", "/keys", "/feeds", "/help", "/decided", "/handover", "/login"):
        visit.page.emulate_media(color_scheme="light")
        visit.page.goto(f"{console.address}{path}")
        visit.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        for width in (PHONE, LAPTOP // 2, LAPTOP):
            visit.page.set_viewport_size({"width": width, "height": 800})
            assert visit.sideways() == 0, (path, width)
        assert visit.violations() == [], path
        if path in ("/queue", wanted[0], "/statistics", "/keys"):  # between them every colour there is
            visit.page.emulate_media(color_scheme="dark")
            assert visit.violations(runOnly=["color-contrast"]) == [], path
    assert visit.outside == []


def test_focus_is_seen_and_the_first_tab_skips_to_the_content(enter):
    visit = enter("/help")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(4):
        assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        visit.page.keyboard.press("Tab")
    press(visit, "gs")
    assert heading(visit).startswith("What ")
    press(visit, "?")
    assert heading(visit) == "Keys"
