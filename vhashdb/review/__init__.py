"""Walking through what waits for a person, one case after the other.

The session itself (`session`) is pure: lines that a person typed go in, what is to be done comes out. What a case shows
(`summary`), what may be answered to it (`actions`), the matches of an earlier run (`found`) and what is handed to the next
shift (`handover`) are values; `desk` alone writes to the database.
"""

from __future__ import annotations
