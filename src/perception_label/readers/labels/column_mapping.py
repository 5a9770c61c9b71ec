"""Columns of any table become ours: which of theirs each is, and in what unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perception_label.errors import SettingError
from perception_label.readers.files import refuse

LENGTHS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "ft": 0.3048}
ANGLES = {"rad": 1.0, "deg": np.pi / 180}
TIMES = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
SIZES = ("length_m", "width_m", "height_m")
UNITS: dict[str, Mapping[str, float]] = {
    "timestamp_ns": TIMES,
    **dict.fromkeys(("x_m", "y_m", "z_m", *SIZES), LENGTHS),
    "yaw_rad": ANGLES,
}
PLAIN = ("sweep", "class_name", "track_id", "score", "is_key")
ORIGIN, ORIGINS = "origin", ("center", "bottom")
KEYS = {"column", "value", "unit", "times", "plus"}


@dataclass(frozen=True, slots=True)
class Part:
    """Where one of our columns comes from: `column`, or the same `value` in every row.

    A number is `(column * times + plus)` in `unit`.
    """

    column: str | None = None
    value: Any = None
    unit: str | None = None
    times: float = 1.0
    plus: float = 0.0


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a user's file says of a table.

    Attributes
    ----------
    path : Path
        The file, for messages.
    parts : dict of Part
        By our name: those of `UNITS` and `PLAIN`; `sweep` is the number from 0.
    origin : {"center", "bottom"}
        Which point of the box x, y and z are.
    """

    path: Path
    parts: Mapping[str, Part]
    origin: str = "center"

    def texts(self) -> set[str]:
        """Return those of their columns that stay texts, whatever they look like."""
        named = (self.parts.get(name, Part()).column for name in ("class_name", "track_id"))
        return {column for column in named if column is not None}

    def applied(self, path: Path, table: pa.Table) -> pa.Table:
        """Return a table with our columns for theirs; columns that are not named stay.

        Raises
        ------
        SourceError
            If the table lacks a column, or has something else than numbers in it.
        """
        made = {name: self._column(path, table, name) for name in self.parts}
        if self.origin == "bottom":
            for name in ("z_m", "height_m"):
                made.setdefault(name, self._column(path, table, name))
            half = np.asarray(made["height_m"].to_numpy(zero_copy_only=False)) / 2
            made["z_m"] = pa.array(made["z_m"].to_numpy(zero_copy_only=False) + half)
        used = {part.column for part in self.parts.values()}
        for name in table.column_names:
            if name not in used:
                made.setdefault(name, table.column(name))
        return pa.table(made)

    def _column(self, path: Path, table: pa.Table, name: str) -> Any:
        part = self.parts.get(name, Part(column=name))
        if part.column is None:
            return pa.array([part.value] * len(table))
        if part.column not in table.column_names:
            raise refuse(path, f"a column {part.column!r} for {name}", table.column_names)
        column = table.column(part.column)
        if name not in UNITS:
            return column
        factor = UNITS[name][part.unit] if part.unit else 1
        if name == "timestamp_ns" and pa.types.is_integer(column.type):
            # Whole numbers stay exact: a float has 240 ns steps in this century.
            return pa.array([None if t is None else t * factor for t in column.to_pylist()])
        numbers = np.asarray(column.cast(pa.float64()).to_numpy()) * part.times + part.plus
        if name != "timestamp_ns":
            return pa.array(numbers * factor)
        if not np.isfinite(numbers).all():
            raise refuse(path, f"a time in every row of {part.column!r}", "none in some")
        return pa.array(np.round(numbers * factor).astype(np.int64))


def read_columns(path: Path) -> ColumnMapping:
    """Read a mapping of columns: YAML, our name → theirs, or → {column, unit, times, plus, value}.

    Raises
    ------
    SettingError
        If it cannot be read, or names what is not ours.
    """
    import yaml

    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise SettingError(f"{path}: expected YAML, got: {line}") from None
    if not isinstance(plain, dict):
        raise SettingError(f"{path}: expected lines such as `x_m: cx`, got {plain!r}")
    origin = plain.pop(ORIGIN, ORIGINS[0])
    if origin not in ORIGINS:
        raise SettingError(f"{path}: expected origin {' or '.join(ORIGINS)}, got {origin!r}")
    parts = {str(name): _part(path, str(name), said) for name, said in plain.items()}
    if "sweep" in parts and "timestamp_ns" in parts:
        raise SettingError(f"{path}: expected sweep or timestamp_ns, got both")
    return ColumnMapping(path, parts, origin)


def _part(path: Path, name: str, said: object) -> Part:
    if name not in UNITS and name not in PLAIN:
        known = ", ".join((*UNITS, *PLAIN, ORIGIN))
        raise SettingError(f"{path}: expected names of {known}, got {name!r}")
    if isinstance(said, str):
        return Part(column=said)
    keys = set(said) if isinstance(said, dict) else set()
    if not isinstance(said, dict) or keys - KEYS or len(keys & {"column", "value"}) != 1:
        raise SettingError(
            f"{path}: {name}: expected a column's name, or column or value with any of unit, "
            f"times, plus, got {said!r}"
        )
    unit, numbers = said.get("unit"), (said.get("times", 1.0), said.get("plus", 0.0))
    if unit is not None and unit not in UNITS.get(name, {}):
        known = ", ".join(UNITS.get(name, {})) or "none"
        raise SettingError(f"{path}: {name}: expected a unit of {known}, got {unit!r}")
    if not all(isinstance(n, int | float) and np.isfinite(n) for n in numbers):
        raise SettingError(f"{path}: {name}: expected numbers for times and plus, got {numbers}")
    column = said.get("column")
    return Part(
        column=None if column is None else str(column),
        value=said.get("value"),
        unit=unit,
        times=float(numbers[0]),
        plus=float(numbers[1]),
    )
