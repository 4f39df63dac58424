"""From what the steps of a query found to its matches: which they are, what each rests on, and the very same file first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vhashdb.errors import VhashdbError
from vhashdb.fingerprints import Fingerprint
from vhashdb.inputs import Source, as_file, sha256_of
from vhashdb.limits import Limits
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import SoundFinding, sound_finding
from vhashdb.search.results import Match, Result
from vhashdb.search.trace import Trace
from vhashdb.store import Store


def found_matches(trace: Trace) -> list[Match]:
    """Return the records that the query matches or may match, best first."""
    judged = zip(trace.compared, trace.judgements, strict=True)
    matches = [Match(record, judgement, seen=trace.seen.get(record.id)) for (record, _), judgement in judged if judgement.found]
    return sorted(matches, key=lambda m: (m.verdict is not Verdict.MATCH, -m.score))


def unreadable(store: Store, source: Source, limits: Limits, result: Result) -> Result:
    """Return the answer about a file that could not be read with its hash, as far as it has one, and what was decided about it."""
    try:
        with as_file(source, limits) as opened:
            sha256 = sha256_of(opened)
    except VhashdbError:  # there is nothing to hash
        return result
    file = store.hits.file(sha256)
    return replace(result, sha256=sha256, decisions=tuple(store.hits.decisions([file]).get(file, ())))


def with_identical(matches: list[Match], trace: Trace) -> list[Match]:
    """Return the matches with the record of the very same file first, whatever its pictures say."""
    same = trace.identical
    if same is None:
        return matches
    found = next((m for m in matches if m.record.id == same.id), Match(same, Judgement(Verdict.MATCH, 1.0, (), (), "")))
    judgement = replace(found.judgement, verdict=Verdict.MATCH, score=1.0, reason=trace.identical_by)
    if not judgement.segments:
        whole_s = (trace.query.duration_s, same.duration_s)
        judgement = replace(
            judgement, matched_query_s=whole_s[0], matched_reference_s=whole_s[1], query_coverage=1.0, reference_coverage=1.0
        )
    identical = replace(found, judgement=judgement, identical=True, seen=None)
    return [identical, *(m for m in matches if m.record.id != same.id)]


def with_sound_findings(matches: list[Match], trace: Trace, config: SoundConfig) -> list[Match]:
    """Return the matches, each with what is said of its sound."""
    references: Mapping[str, Fingerprint] = {record.id: compared.reference for record, compared in trace.compared}
    return [replace(match, sound=_finding(match, references.get(match.record.id), trace, config)) for match in matches]


def _finding(match: Match, reference: Fingerprint | None, trace: Trace, config: SoundConfig) -> SoundFinding:
    query = match.seen or trace.query
    nothing = Fingerprint.empty(query.algorithm)
    return sound_finding(match.judgement, query, nothing if reference is None else reference, config, listened=trace.listened)


def says_less(one: Judgement, other: Judgement) -> bool:
    """Return whether one of two judgements on a record is weaker than the other, neither being a match already known."""
    return not one.found or other.verdict is Verdict.MATCH or one.score < other.score
