"""Maths on arrays: poses, cuboids, labels; the usual door to the kernels."""
