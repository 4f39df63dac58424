"""Every line that any command prints with --json is what the schema says, on real samples."""

import contextlib
import copy
import json
import os
import re

import click
import pytest
from jsonschema import Draft202012Validator
from vhashdb_cli.main import cli

from tests.conftest import ROOT
from tests.exchange.companies import Company
from tests.exchange.feeds import Feed, put
from vhashdb.exchange import roster
from vhashdb.exchange.listing import Policy
from vhashdb.forms import json_schema

from .driver import run

SCHEMA = json_schema()
DEFINITIONS = SCHEMA["$defs"]
COMMANDS = {value["title"].removeprefix("vhashdb "): name for name, value in DEFINITIONS.items() if name.startswith("vhashdb-")}
ON_POSTGRESQL = {(f"jobs {verb}", "job") for verb in "list show retry cancel forget".split()} | {
    ("jobs show", "job-file"),
    ("add", "job"),
    ("match", "job"),
}
"""Lines that a database in a folder never leads to: `tests/cluster` has them."""
HANDOVER = "review --export FILE.jsonl"
"""Its lines go to a file and not to standard output."""
PAGE = (ROOT / "docs" / "json.md").read_text()


def with_json(command, words=()):
    """The names of all commands that have --json."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from with_json(command.get_command(context, name), (*words, name))
    elif any("--json" in parameter.opts for parameter in command.params):
        yield " ".join(words)


def strict():
    """The schema, with everything forbidden that it does not name: readers must ignore that, but it must not happen."""
    schema = copy.deepcopy(SCHEMA)
    definitions = schema["$defs"]
    for value in list(definitions.values()):
        for base in value.get("allOf", ()):
            name = base["$ref"].rpartition("/")[2]
            definitions[f"base-{name}"] = copy.deepcopy(DEFINITIONS[name])
            base["$ref"] = f"#/$defs/base-{name}"
    for name, value in definitions.items():
        if not name.startswith("base-"):
            _close(value)
    return schema


def _close(value):
    if isinstance(value, dict):
        if "properties" in value:
            value["unevaluatedProperties"] = False
        for inner in value.values():
            _close(inner)


STRICT = strict()


def _must(*arguments, codes=(0,), **options):
    done = run(*arguments, **options)
    assert done.code in codes, done
    return done


@pytest.fixture(scope="module")
def printed(samples, tmp_path_factory):
    """What every command printed, by its name."""
    place = tmp_path_factory.mktemp("json")
    acme = Company(place, "acme")
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(acme):
        patch.chdir(place)
        patch.setenv("VHASHDB_FEED_PASSPHRASE", "correct horse battery staple")
        patch.setenv("XDG_CONFIG_HOME", str(place / "config"))
        return _everything(place, samples, acme)


def _everything(place, samples, acme):
    """A small life of a database, and what every command says in it."""
    said = {}

    def do(command, *arguments, codes=(0,)):
        lines = _must(*command.split(), *arguments, "--json", codes=codes).json
        said.setdefault(command, []).extend(lines)
        return lines

    known, edited, unknown = (samples / name for name in ("known", "edited", "unknown"))
    (place / "notes.mp4").write_text("no video\n" * 50)
    (place / "folder").mkdir()
    (place / "folder" / "notes.txt").write_text("no video\n" * 50)
    odd = os.fsdecode(b"caf\xe9.mp4")
    os.symlink(unknown / "train.mp4", odd)

    acme.begins_to_publish().publish(policy=Policy("amber", "block", "safety desk"))
    acme.db.add(known / "valley.mp4", labels=["graphic-violence"], reason="why")
    acme.publishes()
    (place / "acme.json").write_bytes(acme.feed.first_root)
    federation = Feed(place, "federation")
    member = roster.Member("acme.example", "acme-feed", str(acme.feed.folder), acme.feed.first_root)
    federation.publish(taxonomy=roster.to_bytes([member]))
    (place / "federation.json").write_bytes(federation.first_root)

    _must("init")
    harbour = do("add", "--label", "tvec", "--expires", "2020-01-01", known / "harbour.mp4", "notes.mp4", "folder", codes=(3,))[0]["record"]
    do("add", known / "harbour.mp4", edited / "harbour__speed125.mp4")
    do("trust add", acme.feed.folder, "--root", "acme.json", "--member", "acme.example")
    do("trust list")
    do("sync")
    do("trust level", "acme-feed", "block")
    do("trust move", "acme-feed", acme.feed.folder)
    before = acme.feed.copy(place / "before")
    acme.feed.publish(put(2))
    do("sync")
    acme.feed.become(before)  # and tells another history from then on
    acme.feed.publish(put(3))
    acme.feed.publish(put(4))
    do("sync", codes=(5,))
    do("feed status")
    do("trust release", "acme-feed", "--reason", "confirmed by telephone")
    do("trust rules", "--quorum", "3")
    valley = next(line["record"] for line in do("list") if line["reason"] == "why")
    verdicts = do(
        "match",
        edited / "valley__mirror.mp4",
        unknown / "dark_room.mp4",
        "notes.mp4",
        odd,
        samples / "still.png",
        "folder",
        known / "harbour.mp4",
        codes=(10,),
    )
    do("compare", edited / "valley__mirror.mp4", known / "valley.mp4", codes=(10,))
    do("compare", unknown / "train.mp4", known / "valley.mp4")
    do("explain", edited / "valley__mirror.mp4", valley, codes=(10,))
    do("explain", unknown / "train.mp4", known / "valley.mp4")
    do("opinion", valley, "--verdict", "false_positive", "--reason", "a trailer")
    do("label", harbour, "--add", "rare")
    first, second = (line["video"] for line in do("video list", "--at-least", "1")[:2])
    do("video show", first)
    do("video merge", first, second)
    do("video split", first, do("video show", first)[0]["records"][0]["record"])
    do("video update")
    do("unmatch", edited / "harbour__insert.mp4", harbour, "--reason", "another one")
    do("review list")
    do("review show", valley)
    (place / "verdicts.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in verdicts))
    _must("review", "--matches", "verdicts.jsonl", "--export", "handover.jsonl")
    said[HANDOVER] = [json.loads(line) for line in (place / "handover.jsonl").read_text().splitlines()]
    do("review accept", valley, "--reason", "looked at it")
    do("review reject", valley, "--reason", "looked again")
    do("allow add", samples / "still.png", "--reason", "a news intro")
    do("allow list")
    do("canary add", unknown / "train.mp4", "notes.mp4", codes=(3,))
    do("canary list")
    do("canary stats")
    (place / "list.csv").write_text(f"sha256,labels,colour\n{'1' * 64},tvec,red\n")
    (place / "list.txt").write_text(f"pdq {'0' * 64}\npdq 12\nmd5 {'0' * 32}\n")
    do("import", "list.txt", "list.csv", "missing.txt", codes=(3,))
    do("show", harbour)
    do("audit")
    do("info")
    do("stats")
    do("doctor")
    do("backup", "copy.vhdb")
    do("migrate", "moved.vhdb")
    do("config show")
    do("config show", "--thresholds")
    do("feed init", "own", "--id", "own-feed")
    do("feed publish", "own")
    do("feed heartbeat", "own")
    do("feed compact", "own", "--keep-events", "1")
    do("feed rotate-key", "own", "online")
    do("feed verify", "own")
    do("feed policy", "own")
    do("feed init", "list", "--id", "the-list")
    do("feed roster add", "list", acme.feed.folder, "--root", "acme.json", "--member", "acme.example")
    do("feed roster check", "list")
    do("feed roster remove", "list", "acme-feed", "--yes")
    do("key add", "Ann", "--scope", "ask", "--scope", "decide")
    do("key list")
    do("key revoke", "Ann")
    do("retract", harbour, "--reason", "a mistake")
    do("trust remove", "acme-feed")
    do("trust federation", federation.folder, "--root", "federation.json")
    do("sync")
    return said


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert {reference["$ref"].rpartition("/")[2] for reference in SCHEMA["anyOf"]} == set(COMMANDS.values())


def test_every_command_with_json_has_its_lines_in_the_schema():
    assert {*with_json(cli), HANDOVER} == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {name for name, _ in ON_POSTGRESQL if name.startswith("jobs ")}))
def test_lines_are_as_the_schema_says(printed, command):
    assert printed[command]
    check_lines(command, printed[command])


def check_lines(command, lines):
    """Hold lines of a command against the schema."""
    whole = _validator(COMMANDS[command])
    for line in lines:
        kinds = [one["$ref"].rpartition("/")[2] for one in DEFINITIONS[COMMANDS[command]]["anyOf"]]
        (kind,) = [kind for kind in kinds if _constant(kind) == line["type"]]
        assert not [f"{'.'.join(map(str, error.path))}: {error.message}" for error in _validator(kind).iter_errors(line)], line
        assert whole.is_valid(line)


def _validator(name):
    return Draft202012Validator({"$defs": STRICT["$defs"], "$ref": f"#/$defs/{name}"})


def _constant(kind):
    """The type of a kind of line, which may be that of what it adds to."""
    value = DEFINITIONS[kind]
    return value["properties"].get("type", {}).get("const") or _constant(value["allOf"][0]["$ref"].rpartition("/")[2])


def test_every_kind_of_line_was_printed(printed):
    kinds = {(command, line["type"]) for command, lines in printed.items() for line in lines}
    assert kinds | ON_POSTGRESQL == {
        (command, _constant(one["$ref"].rpartition("/")[2])) for command, name in COMMANDS.items() for one in DEFINITIONS[name]["anyOf"]
    }


def fields(value, prefix=""):
    """The names of all fields, those of an object within after its own."""
    for name, field in value.get("properties", {}).items():
        if name != "type":
            yield prefix + name
            yield from fields(field.get("items", field), f"{prefix}{name}.")


def test_the_page_names_every_field_and_no_other():
    sections = re.split(r'<a id="line-([\w-]+)"></a>', PAGE)[1:]
    named = {name: re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE) for name, text in zip(sections[::2], sections[1::2], strict=True)}
    assert named == {name: list(fields(value)) for name, value in DEFINITIONS.items() if not name.startswith("vhashdb-")}
