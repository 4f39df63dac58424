"""The signal types keep what ThreatExchange's tools demand of them."""

import inspect

import numpy as np
import pytest
from threatexchange.cli.main import _DEFAULT_SIGNAL_TYPES
from threatexchange.content_type.photo import PhotoContent
from threatexchange.content_type.video import VideoContent
from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest
from threatexchange.interface_validation import SignalTypeMapping
from threatexchange.signal_type.signal_base import BytesHasher, FileHasher
from threatexchange.storage.interfaces import BankConfig
from threatexchange.storage.local_dbm import DBMStore

from tests.footage import film, fingerprint_of, random_hashes
from vhashdb.errors import FingerprintError, MediaNotFound
from vhashdb.tx import VhashdbSignal, VhashdbVpdqSignal, to_signal

TYPES = pytest.mark.parametrize("kind", [VhashdbSignal, VhashdbVpdqSignal])


def test_the_manifest_is_found_and_its_names_are_its_own():
    manifest = ThreatExchangeExtensionManifest.load_from_module_name("vhashdb.tx")
    taken = [kind for kind in _DEFAULT_SIGNAL_TYPES if set(kind.get_content_types()) <= {PhotoContent, VideoContent}]
    SignalTypeMapping([PhotoContent, VideoContent], [*taken, *manifest.signal_types])  # which refuses names that are there twice
    assert [kind.get_name() for kind in manifest.signal_types] == ["vhashdb", "vhashdb_vpdq"]
    assert "vpdq" not in {kind.get_name() for kind in manifest.signal_types}  # what the tools' own extension is called


@TYPES
def test_its_examples_are_valid_and_match_themselves(kind):
    assert not inspect.isabstract(kind) and issubclass(kind, FileHasher) and issubclass(kind, BytesHasher)
    assert kind.get_content_types() == [VideoContent]
    (example,) = kind.get_examples()
    assert kind.validate_signal_str(example) == example
    assert kind.compare_hash(example, example).match
    index = kind.get_index_cls().build([(example, 1)])
    assert [match.metadata for match in index.query(example)] == [1]


def test_a_file_and_its_bytes_have_one_signal(samples, signals):
    name = "edited/valley__clip.mp4"
    assert VhashdbSignal.hash_from_bytes((samples / name).read_bytes()) == signals[name]


def test_what_shows_too_little_has_no_signal_and_is_none_in_an_index(tmp_path, caplog):
    """Nothing can be said of it, and the tools would take an answer without matches for no match."""
    film(tmp_path / "black.mp4", np.zeros((20, 96, 128, 3), np.uint8))
    assert VhashdbSignal.hash_from_file(tmp_path / "black.mp4") == ""
    assert "shows too little picture" in caplog.text
    flat = to_signal(fingerprint_of(random_hashes(1, 5), quality=0))
    index = VhashdbSignal.get_index_cls()()
    for refused in (VhashdbSignal.validate_signal_str, lambda signal: index.add(signal, 1), index.query):
        with pytest.raises(FingerprintError, match="shows too little picture"):
            refused(flat)


def test_what_cannot_be_read_has_an_empty_signal_and_what_is_not_there_is_an_error(tmp_path, caplog):
    (tmp_path / "text.mp4").write_text("no video")
    assert VhashdbSignal.hash_from_file(tmp_path / "text.mp4") == ""
    assert "no signal: " in caplog.text
    with pytest.raises(MediaNotFound):
        VhashdbSignal.hash_from_file(tmp_path / "nothing.mp4")


def test_a_bank_of_the_tools_is_indexed_as_its_service_does_it(tmp_path, signals):
    """The store is the tools' own, with the interface that HMA has over PostgreSQL; the steps are those of HMA's indexer."""
    store = DBMStore(tmp_path, signal_types=[VhashdbSignal, VhashdbVpdqSignal], content_types=[VideoContent])
    ids = {}
    for number, name in enumerate(("known/valley.mp4", "known/harbour.mp4")):
        store.bank_update(BankConfig(f"BANK_{number}", 1.0), create=True)
        ids[name] = store.bank_add_content(f"BANK_{number}", {VhashdbSignal: VhashdbSignal.validate_signal_str(signals[name])})
    content = store.bank_yield_content(VhashdbSignal)
    built = VhashdbSignal.get_index_cls().build([(each.signal_val, each.bank_content_id) for each in content])
    with (tmp_path / "index").open("w+b") as file:
        built.serialize(file)
        file.seek(0)
        index = VhashdbSignal.get_index_cls().deserialize(file)
    (match,) = index.query(VhashdbSignal.validate_signal_str(signals["edited/valley__mirror.mp4"]))
    assert match.metadata == ids["known/valley.mp4"]
    assert [each.bank.name for each in store.bank_content_get([match.metadata])] == ["BANK_0"]
    assert match.similarity_info.pretty_str() == "match/1.000/0.0-12.0=0.0-12.0"
