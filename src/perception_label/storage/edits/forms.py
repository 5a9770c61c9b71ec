"""Whether an edit says all that its kind needs, in the right form."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from perception_label.errors import EditError, ShapeError
from perception_label.geometry.shapes import KINDS as GEOMETRY
from perception_label.geometry.shapes import Shape
from perception_label.storage.edits.edit import KINDS, VERDICTS, Edit, as_json

LARGEST_ID = 200  # characters of an id


def check_form(edit: Edit) -> None:
    """Raise EditError unless the edit says all that its kind needs, in the right form."""
    where = f"edit {edit.edit_id}"
    if edit.kind not in KINDS:
        raise EditError(f"{where}: expected a kind of {', '.join(KINDS)}, got {edit.kind!r}")
    keys = KINDS[edit.kind]
    needed = {k for k in keys if not k.startswith("[")}
    known = {k.strip("[]") for k in keys}
    if not isinstance(edit.after, Mapping) or not needed <= edit.after.keys() <= known:
        raise EditError(f"{where} ({edit.kind}): expected {sorted(known)}, got {edit.after!r}")
    for name in ("edit_id", "author", "source", *(() if edit.kind == "undo" else ("track_id",))):
        _check_id(getattr(edit, name), f"{where}: {name}")
    if not _is_number(edit.active_s) or edit.active_s < 0:
        raise EditError(f"{where}: expected active_s of 0 or more, got {edit.active_s!r}")
    for name in ("timestamp_ns", "base_revision", "client_time_ns"):
        _check_maybe_int(getattr(edit, name), f"{where}: {name}")
    for name, value in edit.after.items():
        if name in _FORMS:
            _FORMS[name](value, f"{where}: {name}")
    for name, said in (("after", edit.after), ("before", edit.before)):
        try:
            as_json(None if said is None else dict(said))
        except (TypeError, ValueError):
            raise EditError(f"{where}: {name}: expected what JSON holds, got {said!r}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _check_id(value: object, where: str) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= LARGEST_ID or "\0" in value:
        raise EditError(f"{where}: expected a text of 1 to {LARGEST_ID} characters, got {value!r}")


def _check_int(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise EditError(f"{where}: expected a whole number of 64 bits, got {value!r}")


def _check_maybe_int(value: object, where: str) -> None:
    if value is not None:
        _check_int(value, where)


def _check_numbers(value: object, where: str) -> None:
    is_list = isinstance(value, list | tuple) and len(value) == 3
    if not is_list or not all(map(_is_number, value)):  # type: ignore[call-overload]
        raise EditError(f"{where}: expected three finite numbers, got {value!r}")


def _check_size(value: Any, where: str) -> None:
    _check_numbers(value, where)
    if min(value) <= 0:
        raise EditError(f"{where}: expected lengths above 0, got {value!r}")


def _check_yaw(value: object, where: str) -> None:
    if not _is_number(value):
        raise EditError(f"{where}: expected a finite number, got {value!r}")


def _check_two_times(value: Any, where: str) -> None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise EditError(f"{where}: expected two times, got {value!r}")
    for time in value:
        _check_int(time, where)


def _check_flag(value: object, where: str) -> None:
    if not isinstance(value, bool):
        raise EditError(f"{where}: expected true or false, got {value!r}")


def _check_verdict(value: object, where: str) -> None:
    if value not in VERDICTS:
        raise EditError(f"{where}: expected one of {', '.join(VERDICTS)}, got {value!r}")


def _check_text(value: object, where: str) -> None:
    if not isinstance(value, str) or "\0" in value:
        raise EditError(f"{where}: expected a text, got {value!r}")


def _check_mapping(value: object, where: str) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise EditError(f"{where}: expected values by name, got {value!r}")


def _check_shape(value: object, where: str) -> None:
    try:
        Shape.from_plain(value)
    except ShapeError as error:
        raise EditError(f"{where}: {error}") from None


def _check_geometry(value: object, where: str) -> None:
    if value not in GEOMETRY:
        raise EditError(f"{where}: expected one of {', '.join(GEOMETRY)}, got {value!r}")


_FORMS: dict[str, Callable[[Any, str], None]] = {
    "other_id": _check_id,
    "new_id": _check_id,
    "edit_id": _check_id,
    "center_m": _check_numbers,
    "size_m": _check_size,
    "yaw_rad": _check_yaw,
    "span_ns": _check_two_times,
    "first_ns": _check_maybe_int,
    "last_ns": _check_maybe_int,
    "at_ns": _check_int,
    "is_static": _check_flag,
    "is_outside": _check_flag,
    "verdict": _check_verdict,
    "reason": _check_text,
    "text": _check_text,
    "attributes": _check_mapping,
    "camera": _check_id,
    "shape": _check_shape,
    "geometry": _check_geometry,
}
