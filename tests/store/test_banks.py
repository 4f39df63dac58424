"""Banks are labels: each has a name, and what a name means does not depend on the order in which things were made."""

import pytest

import vhashdb
from vhashdb.errors import UsageError
from vhashdb.fingerprints.text import from_frames
from vhashdb.store import BankExists, BankNotFound, Banks
from vhashdb.store.banks import UNLABELLED

PICTURE = from_frames([0.0], [100], [bytes(range(32))])


@pytest.fixture
def db(tmp_path):
    with vhashdb.create(tmp_path / "a.vhdb") as opened:
        yield opened


@pytest.fixture
def banks(db):
    return Banks(db.store)


def by_name(banks):
    return {bank.name: bank.labels for bank in banks.all()}


def test_every_label_in_force_is_a_bank(db, banks):
    db.add(PICTURE, labels=["graphic-violence", "2nd"])
    gone = db.add(PICTURE, labels=["gone"])
    db.retract(gone.id, reason="")
    assert by_name(banks) == {"GRAPHIC_VIOLENCE": ("graphic-violence",), "_2ND": ("2nd",), UNLABELLED: ()}
    assert banks.names().of(["graphic-violence", "2nd"]) == ("GRAPHIC_VIOLENCE", "_2ND")
    assert banks.names().of([]) == (UNLABELLED,)


@pytest.mark.parametrize("name", ["A__B", "_A_B_", "_", "__", "A" * 255, "BANK"])
def test_a_bank_has_a_label_of_its_own(db, banks, name):
    db.add(PICTURE, labels=["a.b", "bank-2"])
    other = banks.add("A_B_")
    made = banks.add(name)
    assert made == banks.get(name)
    assert made.labels != other.labels
    db.add(PICTURE, labels=made.labels)  # it is a label
    assert banks.names().of(made.labels) == (name,)
    for taken in (name, "A_B"):  # the latter is what `a.b` is called
        with pytest.raises(BankExists):
            banks.add(taken)


def test_a_name_stands_for_all_labels_that_are_called_so(db, banks):
    made = banks.add("A_B")
    db.add(PICTURE, labels=["a-b"])
    both = banks.get("A_B")
    assert both.labels == (*made.labels, "a-b")
    banks.change("A_B", new_name="C")
    assert by_name(banks) == {"C": made.labels, "A_B": ("a-b",), UNLABELLED: ()}
    banks.remove("C")
    assert made.labels[0] not in sum(by_name(banks).values(), ())


@pytest.mark.parametrize("name", ["", "a", "1A", "A-B", "A B", "A" * 256, "A\n", "Ä"])
def test_a_name_that_hma_does_not_allow_is_refused(banks, name):
    with pytest.raises(UsageError, match="UPPER_WITH_UNDERSCORE"):
        banks.add(name)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_is_within_0_and_1(banks, ratio):
    with pytest.raises(UsageError, match="ratio"):
        banks.add("A", ratio)
    assert by_name(banks) == {UNLABELLED: ()}


def test_what_was_not_made_stays(db, banks):
    db.add(PICTURE, labels=["a"])
    for name in ("A", UNLABELLED):
        with pytest.raises(BankExists):
            banks.remove(name)
        with pytest.raises(BankExists):
            banks.change(name, new_name="B")
    with pytest.raises(BankNotFound):
        banks.remove("NONE")
    assert db.check().problems == ()
