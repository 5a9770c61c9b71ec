"""Kernels. A .pyx file here is Cython, a .py file is Numba, and there is nothing else.

A kernel takes contiguous arrays and scalars, writes into the arrays it is given, and
neither checks arguments nor raises. Callers live in `geometry`, `cloud` and the rooms above.
"""
