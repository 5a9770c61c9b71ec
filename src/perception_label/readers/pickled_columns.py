"""Columns of a pickled pandas data frame, read without pandas and without running it.

A pickle is a program. Only the operations that a data frame of numbers and strings needs
are let through, and what they build are inert records, not the named classes: no callable
of the file's choice is ever called. The columns are then rebuilt from the records.
"""

import io
import pickle
import pickletools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from perception_label.errors import SourceError
from perception_label.readers.files import read_gzip, refuse

LIMIT_BYTES = 256 << 20  # of a file unpacked: thirty times a PandaSet sweep
LIMIT_OPERATIONS = 2_000_000  # a small file must not build a large heap

Columns = dict[str, NDArray[Any]]


class _Record:
    """What a class of the pickle stands for here: the arguments and the state it was given."""

    __slots__ = ("args", "state")
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> Self:
        """Keep the arguments."""
        record = super().__new__(cls)
        record.args, record.state = args, None
        return record

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state


class _Table(_Record):
    __slots__ = ()


class _Blocks(_Record):
    __slots__ = ()


class _Block(_Record):
    __slots__ = ()


class _NewIndex(_Record):
    __slots__ = ()


class _IndexClass(_Record):
    __slots__ = ()


class _Slice(_Record):
    __slots__ = ()


class _Array(_Record):
    __slots__ = ()


class _ArrayClass(_Record):
    __slots__ = ()


class _Dtype(_Record):
    __slots__ = ()


class _FromBuffer(_Record):
    __slots__ = ()


_ALLOWED: dict[tuple[str, str], type[_Record]] = {
    ("pandas", "DataFrame"): _Table,
    ("pandas.core.frame", "DataFrame"): _Table,
    ("pandas.core.internals.managers", "BlockManager"): _Blocks,
    ("pandas.core.internals", "BlockManager"): _Blocks,
    ("pandas._libs.internals", "_unpickle_block"): _Block,
    ("pandas.core.internals.blocks", "new_block"): _Block,
    ("pandas.core.indexes.base", "_new_Index"): _NewIndex,
    ("pandas.core.indexes.base", "Index"): _IndexClass,
    ("pandas", "Index"): _IndexClass,
    ("pandas.core.indexes.range", "RangeIndex"): _IndexClass,
    ("pandas", "RangeIndex"): _IndexClass,
    ("pandas.core.indexes.numeric", "Int64Index"): _IndexClass,
    ("builtins", "slice"): _Slice,
    ("__builtin__", "slice"): _Slice,
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _FromBuffer,
    ("numpy._core.numeric", "_frombuffer"): _FromBuffer,
}
_OPERATIONS = frozenset(
    re.findall(
        r"\S+",
        """
        PROTO FRAME STOP MARK POP POP_MARK DUP MEMOIZE PUT BINPUT LONG_BINPUT
        GET BINGET LONG_BINGET NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2
        LONG LONG1 LONG4 FLOAT BINFLOAT BINBYTES SHORT_BINBYTES BINBYTES8
        SHORT_BINUNICODE BINUNICODE BINUNICODE8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
        EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS
        GLOBAL STACK_GLOBAL REDUCE BUILD NEWOBJ
        """,
    )
)


def read_columns(path: Path) -> Columns:
    """Return the columns of a gzip-pickled data frame by name, and "index" if it has its own.

    Numbers come as they were stored, strings as object arrays; all have the same length.

    Raises
    ------
    SourceError
        If the file is cut short, is no pickled data frame, or names anything but the few
        classes such a frame needs; the message says which.
    """
    data = read_gzip(path, LIMIT_BYTES)
    _check_operations(path, data)
    try:
        table = _Reader(path, data).load()
        columns = _columns(table)
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken pickle may raise anything at all
        raise refuse(path, "a pickled data frame", f"{type(error).__name__}: {error}") from None
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise refuse(path, "columns of one length", sorted(lengths))
    return columns


class _Reader(pickle.Unpickler):
    """Resolves the allowed names to records and refuses every other."""

    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise refuse(
                self._path, "only pandas and numpy containers in the pickle", f"{module}.{name}"
            )
        return _ALLOWED[module, name]


def _check_operations(path: Path, data: bytes) -> None:
    count = 0
    try:
        for operation, argument, _ in pickletools.genops(data):
            count += 1
            if operation.name not in _OPERATIONS:
                raise refuse(path, "only a data frame in the pickle", operation.name)
            # The memo is an array as long as its largest index: a short file could ask for all
            # memory there is.
            if operation.name.endswith("PUT") and int(argument or 0) > count:
                raise refuse(path, f"memo index at most {count}", argument)
            if count > LIMIT_OPERATIONS:
                raise refuse(path, f"at most {LIMIT_OPERATIONS} pickle operations", "more")
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser raises many kinds on broken bytes
        raise refuse(path, "a pickle", f"{type(error).__name__}: {error}") from None


def _columns(table: Any) -> Columns:
    state = _is(table, _Table).state
    manager = _is(state.get("_mgr", state.get("_data")), _Blocks)
    if manager.args:  # pandas >= 1.3: BlockManager(blocks, axes)
        axes, blocks = manager.args[1], [_block(b) for b in manager.args[0]]
    else:  # older: state (axes, values, items, {"0.14.1": {...}})
        inner = manager.state[3]["0.14.1"]
        axes = inner["axes"]
        blocks = [(_array(b["values"]), _places(b["mgr_locs"])) for b in inner["blocks"]]
    names = [str(n) for n in _index(axes[0])]
    columns: Columns = {}
    for values, places in blocks:
        for row, place in zip(values, places, strict=True):
            columns[names[place]] = row
    if len(columns) != len(names):
        raise ValueError(f"{len(columns)} columns of data for {len(names)} names")
    index = _index(axes[1])
    if not isinstance(index, range):
        columns.setdefault("index", index)
    return columns


def _is(value: Any, kind: type[_Record]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__[1:].lower()}, got {type(value).__name__}")
    return value


def _block(block: Any) -> tuple[NDArray[Any], Iterator[int] | range | list[int]]:
    values, places = _is(block, _Block).args[:2]
    return _array(values), _places(places)


def _places(value: Any) -> range | list[int]:
    if isinstance(value, _Slice):
        start, stop, step = value.args
        return range(int(start), int(stop), int(step or 1))
    return [int(v) for v in _array(value)]


def _index(value: Any) -> range | NDArray[Any]:
    state = _is(value, _NewIndex).args[1]
    if "data" in state:
        return _array(state["data"])
    return range(int(state["start"]), int(state["stop"]), int(state["step"]))


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, _FromBuffer):
        data, dtype, shape, order = value.args
        return _shaped(data, _dtype(dtype), shape, str(order))
    _, shape, dtype, is_fortran, data = _is(value, _Array).state
    return _shaped(data, _dtype(dtype), shape, "F" if is_fortran else "C")


def _dtype(value: Any) -> np.dtype[Any]:
    name, order = str(_is(value, _Dtype).args[0]), value.state[1] if value.state else "="
    if name[:1] == "O":
        return np.dtype(object)
    if name[:1] not in "biuf" or not name[1:].isdecimal():
        raise TypeError(f"expected numbers or strings, got dtype {name!r}")
    return np.dtype(f"{order if order in ('<', '>') else '='}{name}")


def _shaped(data: Any, dtype: np.dtype[Any], shape: Any, order: str) -> NDArray[Any]:
    size = tuple(int(n) for n in shape)
    if dtype.kind != "O":
        flat = np.frombuffer(data, dtype=dtype)
    else:
        if not isinstance(data, list):
            raise TypeError(f"expected a list of values, got {type(data).__name__}")
        flat = np.empty(len(data), dtype=object)
        flat[:] = data
    return flat.reshape(size, order="F" if order == "F" else "C")
