"""The hashes are those of a hand calculation, and cover all that there is."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

import pytest
from journals import MORNING, ROWS, make, session, start

from bt_lstm_rotation.paper.chain import following
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.schema import TABLES

TINY = {
    "account": [(0.5, 1.0), (2.0, -0.0)],
    "fits": [
        (
            *("m", "2020-01-02", "ok", None, None, "\u00dc", 3, 0.1, math.nan),
            *(None, b"w"),
        )
    ],
    "notes": [],
}


def sha256(content: str | bytes) -> str:
    return hashlib.sha256(
        content if isinstance(content, bytes) else content.encode()
    ).hexdigest()


def test_a_tiny_chain_has_the_hashes_of_a_hand_calculation(tmp_path):
    fits = (
        '{"":1,"first_loss":["0x1.999999999999ap-4"],"model":["m"],"n_bars":[3],'
        '"session":["2020-01-02"],"status":["ok"],"symbols":["\\u00dc"],'
        f'"weights":["{sha256(b"w")}"]}}'
    )
    account = (
        '{"":2,"cash":["0x1.0000000000000p-1","0x1.0000000000000p+1"],'
        '"equity":["0x1.0000000000000p+0","-0x0.0p+0"]}'
    )
    first = sha256(
        f'{{"kind":"start","number":1,"previous":"{"0" * 64}",'
        f'"rows":{{"account":{account},"fits":{fits}}},'
        '"session":"2020-01-02","version":"0.1.0",'
        '"written":"2020-01-02T06:30:00+00:00"}'
    )
    second = sha256(
        f'{{"kind":"session","number":2,"previous":"{first}","rows":{{}},'
        '"session":"2020-01-03","version":"0.1.0",'
        '"written":"2020-01-03T06:30:00+00:00"}'
    )
    with Journal.create(tmp_path / "spy", start(TINY)) as journal:
        journal.append(session(2, {}))
        assert [entry.hash for entry in journal.transactions()] == [first, second]
        assert [e.previous for e in journal.transactions()] == ["0" * 64, first]


def test_rows_without_a_number_are_counted(tmp_path):
    one = following(start({"account": [(math.nan,) * 2]}), None, TABLES)
    two = following(start({"account": [(math.nan,) * 2] * 2}), None, TABLES)
    assert one.hash != two.hash


def other(value):
    if value is None or value != value:
        return {None: "2020-01-09"}.get(value, 1.0)
    if isinstance(value, float):
        return math.nextafter(value, math.inf)
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return value[:-1] + b"\0"
    return "2020-01-08" if value.startswith("20") else value + " "


@pytest.mark.parametrize("table", ROWS)
def test_every_value_of_every_row_has_a_part_in_the_hash(table):
    whole = following(start(), None, TABLES).hash
    hashes = {whole}
    for column, value in enumerate(ROWS[table][0]):
        row = list(ROWS[table][0])
        row[column] = other(value)
        changed = {**ROWS, table: [tuple(row), *ROWS[table][1:]]}
        hashes.add(following(start(changed), None, TABLES).hash)
    assert len(hashes) == 1 + len(ROWS[table][0])
    if len(ROWS[table]) > 1:
        turned = {**ROWS, table: ROWS[table][::-1]}
        assert following(start(turned), None, TABLES).hash not in hashes


def test_everything_else_of_a_transaction_has_a_part_in_its_hash():
    first = following(start(), None, TABLES)
    one = session(2)
    changed = [
        replace(one, kind="stop"),
        replace(one, session=session(3).session),
        replace(one, written=MORNING),
        replace(one, version="0.2.0"),
    ]
    hashes = {following(each, first, TABLES).hash for each in (one, *changed)}
    hashes.add(following(one, first._replace(hash="f" * 64), TABLES).hash)
    hashes.add(following(one, first._replace(number=2), TABLES).hash)
    assert len(hashes) == 7


def test_the_same_transactions_give_the_same_chain(tmp_path):
    heads = []
    for name in ("one", "other"):
        with Journal.open(make(tmp_path / name, 3)) as journal:
            heads.append(journal.head)
    assert heads[0] == heads[1]
