"""What strangers may try at the console: forms from elsewhere, sessions that they made, frames, and texts that are scripts."""

import contextlib
import re
import shutil
from urllib.parse import quote

import httpx
import pytest

import vhashdb
from tests.service.serving import ALL, served, service_with_keys
from vhashdb.service import ServiceSettings
from vhashdb.service.access import COOKIE
from vhashdb.store import Details

TAKEN = "\"'><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script><!--{{7*7}}"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
PAGES = ("/login", "/queue", "/upload", "/statistics", "/feeds", "/keys", "/help", "/decided", "/handover", "/cases/none", "/uploads/none")


@pytest.fixture(scope="module")
def hostile(known_folder, samples, tmp_path_factory):
    """A service of one record and one upload, all of whose texts are scripts."""
    folder = tmp_path_factory.mktemp("hostile") / "db.vhdb"
    shutil.copytree(known_folder, folder)
    details = Details(labels=("violence",), severity="extreme", reason=TAKEN, policy=TAKEN, law=TAKEN)
    with vhashdb.open(folder) as db:
        db.exchange.feeds.add("strangers", url="https://feeds.example", root=b"{}", trust="review", member=TAKEN)
        record = db.add(samples / "unknown" / "balloons.mp4", details=details).record
        db.moderation.assessments.opine(record, "disagree_label", basis="saw_match", reason="> \"x\" <b onclick='a'>")
    with service_with_keys(folder) as running:
        with running.client("ask") as client:
            film = (samples / "unknown" / "balloons.mp4").read_bytes()
            running.question = client.post("/v1/questions", params={"review": True, "name": TAKEN}, content=film).json()["id"]
        yield running


@pytest.fixture
def browser(hostile):
    """An HTTP client that keeps cookies, signed in."""
    with signed_in(hostile) as client:
        yield client


@contextlib.contextmanager
def signed_in(service, key=ALL):
    with httpx.Client(base_url=service.address, trust_env=False, timeout=60) as client:
        assert client.post("/login", data={"key": service.keys[key]}).status_code == 303
        yield client


def token_of(client, page="/help"):
    return TOKEN.search(client.get(page).text)[1]


def test_nobody_sees_a_page_without_a_key(hostile):
    with hostile.client() as client:
        for page in PAGES[1:]:
            answer = client.get(page)
            assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={page.replace('/', '%2F')}")
        assert client.post("/login", data={"key": "vhk_0000000000000000_" + "x" * 43}).status_code == 401
        assert client.post("/decide", data={"case": "x"}).headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    ("key", "closed"), [(("ask",), ("/queue", "/keys", "/feeds", "/statistics")), (("decide",), ("/keys", "/feeds", "/upload"))]
)
def test_a_key_opens_only_the_pages_of_its_scopes(hostile, key, closed):
    with signed_in(hostile, key) as client:
        for page in closed:
            assert client.get(page).status_code == 403
            assert f'href="{page}"' not in client.get("/help").text
        token = token_of(client)
        assert client.post("/keys", data={"token": token, "name": "mine", "scope": "administer"}).status_code == 403


def test_every_page_keeps_others_out(browser):
    for page in PAGES:
        headers = browser.get(page, follow_redirects=True).headers
        policy = headers["Content-Security-Policy"]
        for rule in (
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "connect-src 'self'",
            "script-src 'self'",
        ):
            assert rule in policy, page
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_the_cookie_is_for_no_script_and_no_other_site(hostile):
    with httpx.Client(base_url=hostile.address, trust_env=False) as client:
        said = client.post("/login", data={"key": hostile.keys[ALL]}).headers["Set-Cookie"]
    assert {part.strip().lower() for part in said.split(";")[1:]} >= {"httponly", "samesite=strict", "path=/"}


def test_a_session_that_somebody_prepared_is_not_taken(hostile):
    with httpx.Client(base_url=hostile.address, trust_env=False) as client:
        client.cookies.set(COOKIE, "prepared")
        client.post("/login", data={"key": hostile.keys[ALL]})
        mine = [cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE and cookie.value != "prepared"]
    assert mine
    for secret, status in (("prepared", 303), (mine[0], 200)):
        assert httpx.get(f"{hostile.address}/help", cookies={COOKIE: secret}, trust_env=False).status_code == status


def test_each_sign_in_is_another_session_and_ends_the_one_before(hostile):
    with signed_in(hostile) as client:
        first = client.cookies[COOKIE]
        client.post("/login", data={"key": hostile.keys[ALL]})
        second = client.cookies[COOKIE]
        assert first != second
        assert client.get("/help", headers={"Cookie": f"{COOKIE}={first}"}).status_code == 303
        client.post("/logout", data={"token": token_of(client)})
        assert client.get("/help", headers={"Cookie": f"{COOKIE}={second}"}).status_code == 303


FORMS = ("/decide", "/undo", "/claim", "/next", "/pause", "/logout", "/keys", "/keys/x/revoke", "/upload")


@pytest.mark.parametrize("form", FORMS)
def test_a_form_from_elsewhere_is_turned_away(browser, form):
    right = token_of(browser)
    for data, headers in (
        ({}, {}),
        ({"token": "0" * 64}, {}),
        ({"token": right}, {"Origin": "https://evil.example"}),
        ({"token": right}, {"Sec-Fetch-Site": "cross-site"}),
        ({"token": right}, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = browser.post(form, data=data, params=data, headers=headers)
        assert answer.status_code == 403, (data, headers)
    assert browser.get("/help").status_code == 200  # the session goes on


def test_a_token_is_of_one_session(hostile, browser):
    with signed_in(hostile) as other:
        assert browser.post("/pause", data={"token": token_of(other)}).status_code == 403
        assert browser.post("/pause", data={"token": token_of(browser)}).status_code == 303


def test_nobody_is_signed_in_by_another_site(hostile):
    with hostile.client() as client:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = client.post("/login", data={"key": hostile.keys[ALL]}, headers=headers)
            assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "\\/evil.example", "/\t/evil.example", ""]
)
def test_signing_in_leads_to_no_other_site(hostile, next):
    with httpx.Client(base_url=hostile.address, trust_env=False) as client:
        assert client.post("/login", data={"key": hostile.keys[ALL], "next": next}).headers["Location"] == "/"
        assert client.get("/login", params={"next": next}).headers["Location"] == "/"


def test_no_text_of_anybody_is_run(hostile, chromium):
    visit = chromium.at(hostile.address, "/login")
    visit.page.fill("#key", hostile.keys[ALL])
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    case = visit.page.locator(".queue [data-main]").first.get_attribute("href")
    strange = quote(TAKEN, safe="")
    paths = (
        "/queue",
        f"/queue?label={strange}",
        case,
        f"{case}?upload={strange}&label={strange}",
        f"/uploads/{hostile.question}",
        "/upload",
    )
    for path in (*paths, "/statistics", "/feeds", "/handover?hours=9", f"/cases/{strange}", f"/queue?cursor={strange}"):
        visit.page.goto(f"{hostile.address}{path}")
        assert visit.page.title() != "taken", path
        assert visit.page.locator("img[src=x], [onclick], main script").count() == 0, path
    visit.page.goto(f"{hostile.address}{case}")
    text = visit.page.locator("main").inner_text()
    assert "<script>document.title='taken'</script>" in text
    assert "{{7*7}}" in text
    with visit.page.expect_navigation():
        visit.page.keyboard.press("e")
        visit.page.locator("details[open] input").fill(TAKEN)
        visit.page.locator("details[open] button[data-own]").click()
    visit.page.goto(f"{hostile.address}/decided")
    assert TAKEN[:40] in visit.page.locator("table").inner_text()
    assert visit.page.locator("img[src=x], [onclick], main script").count() == 0
    assert visit.outside == []
    assert [problem for problem in visit.problems if "Failed to load resource" not in problem] == []  # statuses 400 and 404 are said, too


def test_without_keys_nobody_signs_in_and_forms_from_elsewhere_are_turned_away_all_the_same(known_folder, tmp_path):
    shutil.copytree(known_folder, tmp_path / "db.vhdb")
    with (
        served(ServiceSettings(tmp_path / "db.vhdb", require_key=False)) as address,
        httpx.Client(base_url=address, trust_env=False) as client,
    ):
        assert client.get("/").headers["Location"] == "/queue"
        assert client.get("/login").headers["Location"] == "/"
        assert "Sign out" not in client.get("/queue").text
        token = token_of(client, "/keys")
        assert client.post("/pause", data={"token": token}).status_code == 303
        for data, headers in (({}, {}), ({"token": token}, {"Origin": "https://evil.example"})):
            assert client.post("/keys", data=data | {"name": "Eve", "scope": "ask"}, headers=headers).status_code == 403
        assert client.get("/queue", headers={"Host": "evil.example"}).status_code == 421
