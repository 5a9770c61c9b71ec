"""Every kernel has a slow twin here; no Numba kernel leans on another file's."""

import importlib
import inspect
import pkgutil

import pytest

from perception_label import _core

MODULES = [m.name for m in pkgutil.iter_modules(_core.__path__) if m.name[0] != "_"]


def kernels(name):
    module = importlib.import_module(f"perception_label._core.{name}")
    return {
        k: v
        for k, v in vars(module).items()
        if callable(v)
        and not inspect.isclass(v)
        and k[0] != "_"
        and getattr(v, "__module__", "") == module.__name__
    }


@pytest.mark.parametrize("name", MODULES)
def test_every_kernel_has_an_oracle(name):
    oracle = importlib.import_module(f"oracles.{name}")
    twins = {k for k, v in vars(oracle).items() if inspect.isfunction(v)}
    assert kernels(name)
    assert kernels(name).keys() <= twins


@pytest.mark.parametrize("name", MODULES)
def test_numba_kernels_call_only_their_own_file(name):
    # Numba's disk cache sees changes of a kernel's own file only.
    module = importlib.import_module(f"perception_label._core.{name}")
    if not (module.__file__ or "").endswith(".py"):
        pytest.skip("Cython")
    strangers = [
        k
        for k, v in vars(module).items()
        if hasattr(v, "py_func") and v.py_func.__module__ != module.__name__
    ]
    assert strangers == []
