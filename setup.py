"""Build the compiled kernels; everything else is declared in pyproject.toml.

PERCEPTION_LABEL_CHECKED=1 builds them with bounds tests on, for CI and for hunting a bug.
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("PERCEPTION_LABEL_CHECKED") == "1"
CORE = Path("src/perception_label/_core")

extensions = [
    Extension(
        name=f"perception_label._core.{path.stem}",
        sources=[str(path)],
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        # Portable on purpose: a wheel built here must run on any x86-64 or arm64 machine.
        extra_compile_args=[] if os.name == "nt" else ["-O3", "-g0"],
    )
    for path in sorted(CORE.glob("*.pyx"))
]
directives = {
    "language_level": "3",
    "boundscheck": CHECKED,
    "wraparound": CHECKED,
    "initializedcheck": CHECKED,
    "cdivision": not CHECKED,
    "freethreading_compatible": True,
}
setup(
    ext_modules=cythonize(
        extensions, compiler_directives=directives, build_dir="build/cython", force=CHECKED
    )
)
