"""Review what waits for a person, one case after the other.

The session itself (`session`) is pure: lines that a person typed go in, what is to be done comes out. What a case shows
(`case_summary`), what a reviewer may decide (`available_actions`), the matches of an earlier run (`found`) and what is handed
to the next shift (`handover`) are values; `executor` alone writes to the database.
"""

from __future__ import annotations
