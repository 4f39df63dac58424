"""What the pages show is what happens: every block of every page is run; and the program that does so notices what is wrong."""

import importlib.util
import sys

import pytest

from tests.conftest import ROOT
from tests.examples import long

spec = importlib.util.spec_from_file_location("docs_run", ROOT / "docs" / "run.py")
pages = sys.modules["docs_run"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)


FIRST = ("README",)
"""The page that everybody begins with; the others are run by `make test-long`."""
PAGES = [pytest.param(page, id=page.stem, marks=() if page.stem in FIRST else long) for page in pages.pages()]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_happens(page):
    wrong = pages.check(page)
    assert not wrong, "\n\n".join(map(str, [*wrong, "`python docs/run.py --write` writes what happens into the pages"]))


def test_languages_are_those_that_are_run_or_read():
    assert {"console", "python", "output", "json", "toml", "ini", "sh", "text"} == pages.LANGUAGES
    used = {(page.name, block.language) for page in pages.pages() for block in pages.blocks(page.read_text(encoding="utf-8"))}
    assert {(page, language) for page, language in used if language not in pages.LANGUAGES} == set()
    assert {language for _, language in used} >= {"console", "python", "output", "json", "sh"}


@pytest.fixture
def check(tmp_path):
    """What is wrong with a page of this text; or the page, after what happens was written into it."""

    def checked(text, write=False):
        page = tmp_path / "page.md"
        page.write_text(text, encoding="utf-8")
        found = pages.check(page)
        if write:
            pages.write(page, found)
            return page.read_text(encoding="utf-8")
        return [difference.what for difference in found]

    return checked


def console(text):
    return f"```console\n{text}```\n"


def test_what_is_right_passes(check):
    assert check(console("$ X=1; cd /\n$ echo $X in $PWD\n1 in /\n$ printf 'a\\nb\\nc\\n'\na\n…\nc\n$ false\n$ echo $?\n1\n")) == []
    assert check(console("$ echo a \\\n> b\na b\n") + "```python\nprint(1 + 1)\n```\n\n```output\n2\n```\n") == []
    script = '```sh title="x.sh"\necho hello $1\n```\n' + console("$ sh x.sh you\nhello you\n")
    assert check(script) == []
    assert check(console("$ mkdir below && cd below\n") + script + console("$ ls\nx.sh\n")) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (console("$ echo a\nb\n"), "`echo a` prints something else"),
        (console("$ echo a\n"), "`echo a` prints something else"),
        (console("$ true\na\n"), "`true` prints something else"),
        (console("$ false\n"), "`false` ends with 1"),
        (console("echo a\n"), "a session begins with `$ `"),
        ("```python\nprint(2)\n```\n\n```output\n3\n```\n", "what is printed"),
        ("```python\n1 / 0\n```\n", "ends with an error"),
        ("```json\n{]\n```\n", "no json"),
        ("```toml\na = \n```\n", "no toml"),
        ("```ini\na\n```\n", "no ini"),
        ("```sh\nif\n```\n", "no script"),
    ],
)
def test_what_is_wrong_is_found(text, what, check):
    assert check(text) == [what]


def test_a_language_that_nobody_knows_is_an_error(check):
    with pytest.raises(KeyError):
        check("```\nvhashdb\n```\n")


def test_ids_dates_and_sizes_may_differ_but_an_id_stays_the_same(check):
    one, other = "0a" * 4, "1b" * 4
    shown = f"$ echo rec {'c' * 8} 2026-01-01 1.5 MB\nrec {'d' * 8} 2025-02-03 7 bytes\n"
    assert check(console(shown)) == []
    assert check(console(f"$ echo {one} {one}\n{'c' * 8} {'c' * 8}\n")) == []
    assert check(console(f"$ echo {one} {other}\n{'c' * 8} {'c' * 8}\n")) != []
    assert check(console(f"$ echo {one} {one}\n{'c' * 8} {'d' * 8}\n")) != []
    assert check(console(f"$ printf '%08x\\n' $$ | tee id\n{'c' * 8}\n$ echo {'c' * 8} | diff - id\n")) == []
    assert check(console(f"$ printf '%08x\\n' $$ | tee id\n{'c' * 8}\n$ cut -c1-6 id | diff - <(echo cccccc)\n")) == []


def test_writing_brings_a_page_up_to_date_with_the_ids_it_shows(check):
    text = console(f"$ printf '%08x now\\n' $$ | tee id\n{'c' * 8} then\n$ cat id\n")
    expected = console(f"$ printf '%08x now\\n' $$ | tee id\n{'c' * 8} now\n$ cat id\n{'c' * 8} now\n")
    assert check(text, write=True) == expected
