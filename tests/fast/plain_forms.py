"""Kernels as plain Python where numba is there: for what they call, something else can be put."""

from types import FunctionType


def with_globals(function, **replaced):
    """The plain form of a kernel, or of a function that makes kernels, in which some names mean something else."""
    plain = getattr(function, "py_func", function)
    return FunctionType(plain.__code__, {**plain.__globals__, **replaced}, plain.__name__, plain.__defaults__)
