"""A transaction that is interrupted is rolled back, and the interruption is what whoever began it hears of."""

import pytest

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize("kind", ["writing", "snapshot"])
def test_an_interrupted_transaction_is_rolled_back_and_hides_nothing(new_db, reference_prints, kind):
    new_db.add(reference_prints["harbour"])
    with pytest.raises(KeyboardInterrupt), getattr(new_db.store.transactions, kind)() as connection:
        if kind == "writing":
            connection.exec_driver_sql("UPDATE record SET state = 'retracted'")
        connection.invalidate()  # as SQLAlchemy does where a statement is interrupted
        raise KeyboardInterrupt
    assert len(new_db) == 1
