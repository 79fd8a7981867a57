"""A table whose rows are added, and never changed or deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bt_lstm_rotation.append_only.kinds import Kind

__all__ = ["Table", "insertion", "selection", "table_statements"]

# Column -> kind, in their order.
Table = Mapping[str, Kind]


def table_statements(
    name: str, key: str, columns: Table, constraint: str, options: str, said: str
) -> Iterator[str]:
    """Yield what makes a table and its triggers, as the database keeps it.

    Parameters
    ----------
    key : str
        The columns that a row is known by, in SQL: ``number``, and perhaps
        ``position``.
    columns : Table
        The others.
    constraint, options : str
        What follows the columns, within and after the brackets.
    said : str
        What whoever changes a row is told.
    """
    described = "".join(
        f", {column} {kind.sql.format(name=column)}" for column, kind in columns.items()
    )
    yield f"CREATE TABLE {name} ({key}{described}{constraint}) {options}"
    same = "number = NEW.number" + (
        " AND position = NEW.position" if constraint else ""
    )
    # INSERT OR REPLACE deletes a row, but fires no trigger of DELETE.
    again = f"INSERT ON {name} WHEN EXISTS (SELECT 1 FROM {name} WHERE {same})"  # noqa: S608
    for action, when in {
        "update": f"UPDATE ON {name}",
        "delete": f"DELETE ON {name}",
        "replace": again,
    }.items():
        yield (
            f"CREATE TRIGGER {name}_{action} BEFORE {when} BEGIN "
            f"SELECT RAISE(ABORT, '{said}'); END"
        )


def insertion(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that adds a row of these columns.

    All names in these statements are those of a program, and none a user's.
    """
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


def selection(table: str, columns: tuple[str, ...], where: str, order: str) -> str:
    """Return the query for columns of a table."""
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {order}"  # noqa: S608
