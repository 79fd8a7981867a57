"""What settings mean is read out of docstrings, whatever is in them."""

from __future__ import annotations

import backtrader as bt
import pytest

from bt_lstm_rotation.backtest.meanings import meanings


def documented(text: str | None, *bases: type) -> dict[str, str]:
    return meanings(type("Owner", bases, {"__doc__": text}))


def test_a_list_of_params_is_read_with_lines_that_go_on():
    text = """A strategy.

    Params:
      - period: bars of the average
      - fast, slow: bars of the two averages, of which the
        first is the shorter

    More about it. Params are fine.

      - no: param
    """
    assert documented(text) == {
        "period": "Bars of the average",
        "fast": "Bars of the two averages, of which the first is the shorter",
        "slow": "Bars of the two averages, of which the first is the shorter",
    }


def test_a_list_ends_at_the_next_section():
    text = """A strategy.

    Params:
      - period: bars of the average
    See:
      - other: something else
    """
    assert documented(text) == {"period": "Bars of the average"}


def test_the_way_backtrader_writes_them_is_read():
    text = """
    Params:

      - ``period`` (default: ``30``)

        Bars of the average

      - ``stake`` (default: ``(1, 2)``): shares

      - ``bare`` (default: ``1``)
    """
    assert documented(text) == {"period": "Bars of the average", "stake": "Shares"}
    assert meanings(bt.analyzers.SharpeRatio)["riskfreerate"].startswith("Expressed in")


def test_a_numpydoc_section_is_read_with_its_choices():
    text = """A spec.

    Parameters
    ----------
    units, layers : int
        Width and depth;
        both count.
    cell : {"lstm", "gru"} or None
        Which of them.
    bare : int
    alone
        Has no type.

    Raises
    ------
    SpecError
        If a value is impossible.
    """
    assert documented(text) == {
        "units": "Width and depth; both count",
        "layers": "Width and depth; both count",
        "cell": 'Which of them ("lstm", "gru" or None)',
        "alone": "Has no type",
    }


def test_the_last_section_needs_no_other_behind_it():
    assert documented("X.\n\nParameters\n----------\nn : int\n    Many.") == {
        "n": "Many"
    }


def test_the_marks_of_code_are_left_out():
    text = "X.\n\nParams:\n  - n: above `m`, see ``docs``; one of ``a``"
    assert documented(text) == {"n": "Above m, see docs; one of a"}


def test_a_class_goes_before_its_bases_and_hands_on_what_it_refers_to_them():
    base = type(
        "Base", (), {"__doc__": "Params:\n  - a: one\n  - b: two\n  - c: three"}
    )
    text = "Params:\n  - a: mine\n  - b, d: see Base"
    assert documented(text, base) == {"a": "Mine", "b": "Two", "c": "Three"}
    assert documented(None, base)["a"] == "One"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Params:",
        "Parameters",
        "Parameters\n----------",
        "Params:\n- ",
        "Params:\n  - : x",
        "Params:\n  - a b: x",
        "Params:\n  nothing: of the kind",
        "Parameters\n----------\n    lost\n: int\n    x",
        "Params:\n  - " + "a, " * 10_000 + "a",
        "Params:\n  - " + "`" * 50_000,
        "\x00",
    ],
)
def test_a_docstring_that_says_nothing_is_no_trouble(text):
    assert documented(text) == {}


def test_a_docstring_that_is_no_text_is_no_trouble():
    assert meanings(type("Owner", (), {"__doc__": 3})) == {}
