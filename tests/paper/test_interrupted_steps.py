"""Steps that the disk, a broker or a signal interrupts: the next one goes on."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from own_strategies import SIZER
from vendor import DAYS, SETTINGS, account

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.paper import Configuration, PaperSession, session

ROOT = Path(__file__).parents[2]
FIRST = 100


@pytest.fixture
def _no_page_is_drawn(monkeypatch):
    monkeypatch.setattr(session, "write_page", lambda *parts: None)


@pytest.fixture
def begun(tmp_path, _no_page_is_drawn):
    """Begin an account that sends an order each day; return the folder it is in."""
    (tmp_path / "mine.py").write_text(SIZER)
    wanted = SETTINGS | {
        "strategy": str(tmp_path / "mine.py"),
        "settings": (),
        "sizer": 0.3,
    }
    root = tmp_path / "begun"
    account(root, FIRST).start(Configuration(**wanted))
    account(root, FIRST).step()
    return root


class FullAt:
    """A boundary where the disk is full, once."""

    def __init__(self, place):
        self.place = place
        self.passed = []

    def __call__(self, label):
        self.passed.append(label)
        if len(self.passed) == self.place + 1:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_anywhere_in_a_step_costs_no_order(begun, tmp_path):
    whole = FullAt(-1)
    root = shutil.copytree(begun, tmp_path / "whole")
    expected = account(root, FIRST + 2, boundary=whole).step().tickets
    record = account(root, FIRST + 2).record()
    assert len(expected) == 1
    places = whole.passed
    _, second = (at for at, label in enumerate(places) if label == "before begin")
    made = places.index("after commit", second)
    for place in range(second, len(places)):  # of the second of two sessions
        root = shutil.copytree(begun, tmp_path / f"full-{place}")
        told = []
        full = account(root, FIRST + 2, boundary=FullAt(place), orders=told.append)
        if place < made:
            with pytest.raises(OutputError, match="still ends with 2000"):
                full.step()
            assert full.record().last == DAYS[FIRST + 1]
            assert told == []
        else:
            assert full.step().tickets == expected
            assert full.record().last == DAYS[FIRST + 2]
        account(root, FIRST + 2, orders=told.append).step()
        assert told == [expected]
        again = account(root, FIRST + 2).record()
        assert again.transactions[-1].hash == record.transactions[-1].hash


@pytest.mark.usefixtures("_no_page_is_drawn")
def test_a_start_on_a_full_disk_can_be_repeated(tmp_path):
    places = FullAt(-1)
    wanted = Configuration(**SETTINGS)
    account(tmp_path / "whole", FIRST, boundary=places).start(wanted)
    for place, label in enumerate(places.passed):
        if label not in ("after tables", "before commit", "before rename"):
            continue
        root = tmp_path / f"full-{place}"
        with pytest.raises(OutputError, match="cannot hold a journal"):
            account(root, FIRST, boundary=FullAt(place)).start(wanted)
        account(root, FIRST).start(wanted)
        assert account(root, FIRST).step().sessions == (DAYS[FIRST],)


def test_orders_are_handed_over_until_the_broker_has_taken_them(begun):
    def refusing(tickets):
        raise ConnectionError("the broker does not answer")

    with pytest.raises(ConnectionError):
        account(begun, FIRST + 1, orders=refusing).step()
    assert account(begun, FIRST + 1).record().last == DAYS[FIRST + 1]
    told = []
    for _ in range(2):
        outcome = account(begun, FIRST + 1, orders=told.append).step()
        assert outcome.sessions == ()
    assert told == [outcome.tickets]
    # A version is no session, and changes no order.
    account(begun, FIRST + 1).declare_version()
    account(begun, FIRST + 1, orders=told.append).step()
    assert len(told) == 1
    account(begun, FIRST + 2, orders=told.append).step()
    assert [tickets[0].decided for tickets in told] == DAYS[FIRST + 1 : FIRST + 3]


def test_a_note_that_cannot_be_written_is_made_up_for(begun, caplog):
    told = []

    def fills_the_disk(tickets):
        told.append(tickets)
        (begun / "mine" / "handed-over").mkdir()

    account(begun, FIRST + 1, orders=fills_the_disk).step()
    assert "orders will be handed over again" in caplog.text
    (begun / "mine" / "handed-over").rmdir()
    account(begun, FIRST + 1, orders=told.append).step()
    assert told[0] == told[1]


def real_steps(tmp_path, *words, before=()):
    """Run a script of real processes; return what it has found."""
    script = Path(__file__).with_name("real_steps.py")
    paths = os.pathsep.join(map(str, (ROOT, script.parent)))
    own = {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = subprocess.run(
        [*before, sys.executable, str(script), *words],
        env=os.environ | own,
        capture_output=True,
        text=True,
    )
    assert not ran.returncode, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Do a quarter at once; return the account's last hash."""
    root = tmp_path_factory.mktemp("undisturbed")
    wanted = Configuration(data="simulated", strategy="momentum_12_1")
    PaperSession("mine", root=root, today=dt.date(2001, 3, 1)).start(wanted)
    for today in (dt.date(2001, 3, 1), dt.date(2001, 5, 31)):
        PaperSession("mine", root=root, today=today).step()
    return PaperSession("mine", root=root).record().transactions[-1].hash


def test_of_twenty_steps_at_once_one_works(tmp_path, undisturbed):
    found = real_steps(tmp_path, "twenty", str(tmp_path))
    assert sorted(found["codes"]) == [0] + [5] * 19
    assert found["head"] == undisturbed
    for code, said in zip(found["codes"], found["said"], strict=True):
        if code:
            # Another, in the moment in which the holder has just let go of its name.
            assert re.search(r"'mine' is in use by (process \d+ on|another)", said)
            assert said.count("\n") == 1
        else:
            assert said.count("equity") > 60


def test_a_catching_up_that_is_killed_at_random_goes_on(tmp_path, undisturbed):
    found = real_steps(tmp_path, "killed", str(tmp_path))
    assert len(found["found"]) > 2
    assert found["found"] == sorted(found["found"])
    assert found["found"][-1] > 1
    assert found["head"] == undisturbed


def test_steps_on_a_small_disk_that_is_full(tmp_path):
    """On a real one: a tmpfs of its own, gone with the process."""
    mount = f'mount -t tmpfs -o size=24m tmpfs "{tmp_path}"'
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, mount], capture_output=True).returncode
    ):
        pytest.skip("a tmpfs cannot be mounted here")
    before = [*unshare, f'{mount} && exec "$0" "$@"']
    found = real_steps(tmp_path, "full", str(tmp_path), before=before)
    codes = [code for _, code, _ in found["tried"]]
    assert {0, 2} == set(codes)
    for sessions, code, during in found["tried"]:
        assert during == sessions + (code == 0)
