"""Build the compiled kernels; everything else is declared in pyproject.toml.

PERCEPTION_LABEL_CHECKED=1 builds them with bounds tests on, for CI and for hunting a bug.
PERCEPTION_LABEL_KERNELS=later leaves them out: an editable install would compile them where
`build_ext --inplace`, which follows it, does not look.
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("PERCEPTION_LABEL_CHECKED") == "1"
LATER = os.environ.get("PERCEPTION_LABEL_KERNELS") == "later"
CORE = Path("src/perception_label/_core")
# Portable on purpose: a wheel built here must run on any x86-64 or arm64 machine. No fused
# multiply-add: the same bytes whatever the processor has. Square roots and comparisons set no
# flags that anyone reads, and may then run in vectors. Attributes: see _core/wide.pxd.
FLAGS = [
    "-O3",
    "-g0",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-attributes",
]

extensions = [
    Extension(
        name=f"perception_label._core.{path.stem}",
        sources=[str(path)],
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        extra_compile_args=[] if os.name == "nt" else FLAGS,
    )
    for path in ([] if LATER else sorted(CORE.glob("*.pyx")))
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
    ),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
