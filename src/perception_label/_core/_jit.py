"""The one place Numba is configured."""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# On by default, else each command pays seconds of compiling. Numba notices a change in a
# kernel's own file only, so a kernel calls no kernel of another file (a test checks this).
CACHE = os.environ.get("PERCEPTION_LABEL_JIT_CACHE", "1") == "1"


def kernel(function: F) -> F:
    """Compile on first call: no GIL, no fast-math, IEEE division."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", cache=CACHE)(function))
