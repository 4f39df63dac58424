"""Each of these facts stands in one place of the library."""

import re

import pytest

from tests.conftest import ROOT

LIBRARY = ROOT / "vhashdb"
FACTS = {
    "codes of opinions": (
        r"""["'](?:disagree_label|disagree_inclusion|false_positive)["']""",
        {"codes.py", "display_names.py", "review/words.py"},
    ),
    "whom people here are": (r'"local"', {"codes.py", "moderation/policy.py"}),  # there it is a feed's status; SQL has quotes of its own
    "how a file takes its place": (r"os\.(?:replace|rename)\(", {"writing.py", "store/backup.py"}),  # a backup is a folder
    "how a folder is synced": (r"os\.open\([^)]*O_RDONLY\)\n\s+try:\n\s+os\.fsync", {"writing.py"}),
    "how a lock is taken": (r"flock\(.*LOCK_", {"locking.py"}),
    "which records are not retracted": (r"state != 'retracted'|\.state != State\.RETRACTED", {"store/schema.py"}),
    "how words become an SQL list": (r"join\(f\"'\{", {"store/dialect.py"}),
}


@pytest.mark.parametrize("fact", FACTS)
def test_it_stands_in_one_place(fact):
    pattern, places = FACTS[fact]
    found = {path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py") if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert found == places
