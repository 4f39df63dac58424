"""The policy lets in what the page came with and nothing else."""

import base64
import hashlib
import re

import jinja2
import pytest

from vhashdb.report.page import environment, render, short


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.fixture
def text(page):
    return page.read_text(encoding="utf-8")


def test_the_policy_names_the_one_style_and_the_one_script(text):
    (style,), (script,) = (re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL) for tag in ("style", "script"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digest(style)}",
        f"script-src {digest(script)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_nothing_in_the_page_leads_outside(text):
    assert not re.search(r"https?:|//[a-z0-9.-]+/|@import", text.split("<style>")[0] + text.split("</style>")[1].split("<script>")[0])
    assert re.findall(r"url\(([^)]*)\)", text) == ["#hatch"]
    links = set(re.findall(r'(?:src|href)="(?!#)([^"]*)', text))
    assert all(link == "data:," or re.fullmatch(r"\./(?:\.\./)*[\w%./-]+#t=[0-9.]+", link) for link in links)  # a file itself, from here


def test_no_style_is_written_at_an_element_where_the_policy_would_forbid_it(text):
    assert " style=" not in text.split("</style>")[1]
    assert not re.search(r"\son[a-z]+=", text.split("</style>")[1].split("<script>")[0])


def test_ids_are_unique(text):
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', text)) | {"hatch"} <= set(ids)
    for names in re.findall(r'aria-labelledby="([^"]*)"', text):
        assert set(names.split()) <= set(ids)


def test_a_template_that_names_what_is_not_there_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("report.html.j2")


def test_everything_is_escaped():
    assert environment().from_string("{{ text }}").render(text="<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"


def test_short_numbers():
    assert [short(value) for value in (1.0, 1.5, 0.001, 12.345, 100.0, 0.0)] == ["1", "1.5", "0", "12.35", "100", "0"]
    assert short(100.0, 0) == "100"
