"""Data frames pickled as pandas pickles them, made without pandas."""

import contextlib
import gzip
import pickle
import sys
import types

import numpy as np


class _Made:
    """Pickles as a call of `function`, with a state, like the pandas objects it stands for."""

    def __init__(self, function, args, state=None):
        self.parts = (function, args, state)

    def __reduce__(self):
        function, args, state = self.parts
        return (function, args) if state is None else (function, args, state)


@contextlib.contextmanager
def _pandas():
    """Put a hollow pandas into sys.modules, for its names alone."""
    names = {
        "pandas": ["DataFrame"],
        "pandas.core.frame": ["DataFrame"],
        "pandas.core.internals.managers": ["BlockManager"],
        "pandas.core.indexes.base": ["_new_Index", "Index"],
        "pandas.core.indexes.range": ["RangeIndex"],
        "pandas._libs.internals": ["_unpickle_block"],
    }
    before = {k: v for k, v in sys.modules.items() if k.split(".")[0] == "pandas"}
    hollow = {}
    for module, members in names.items():
        made = types.ModuleType(module)
        for member in members:
            kind = type(member, (), {"__module__": module, "__qualname__": member})
            setattr(made, member, kind)
        hollow[module] = made
    for part in ("pandas.core", "pandas.core.internals", "pandas.core.indexes", "pandas._libs"):
        hollow[part] = types.ModuleType(part)
    try:
        sys.modules.update(hollow)
        yield hollow
    finally:
        for module in hollow:
            del sys.modules[module]
        sys.modules.update(before)


def pickled_table(columns, *, modern=True, protocol=4):
    """Return the bytes of a pickled data frame with these columns, as pandas would write it."""
    with _pandas() as pandas:
        base, frame = pandas["pandas.core.indexes.base"], pandas["pandas.core.frame"]
        labels = np.array(list(columns), dtype=object)
        n = len(next(iter(columns.values())))
        new = base._new_Index
        axes = [
            _Made(new, (base.Index, {"data": labels, "name": None})),
            _Made(
                new,
                (
                    pandas["pandas.core.indexes.range"].RangeIndex,
                    {"name": None, "start": 0, "stop": n, "step": 1},
                ),
            ),
        ]
        values = [np.asarray(v).reshape(1, n) for v in columns.values()]
        manager = pandas["pandas.core.internals.managers"].BlockManager
        if modern:
            unpickle = pandas["pandas._libs.internals"]._unpickle_block
            blocks = tuple(_Made(unpickle, (v, slice(k, k + 1), 2)) for k, v in enumerate(values))
            state = {"_mgr": _Made(manager, (blocks, axes)), "_typ": "dataframe", "attrs": {}}
        else:
            blocks = [{"values": v, "mgr_locs": slice(k, k + 1)} for k, v in enumerate(values)]
            inner = (axes, values, [axes[0]], {"0.14.1": {"axes": axes, "blocks": blocks}})
            state = {"_data": _Made(manager, (), inner), "_typ": "dataframe"}
        return pickle.dumps(_Made(frame.DataFrame, (), state), protocol=protocol)


def write_table(path, columns, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(pickled_table(columns, **options), mtime=0))
