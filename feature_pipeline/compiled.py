"""Loops over arrays that Numba makes machine code of: no step builds an array, and no row costs a call.

What is compiled is kept beside the source, or in the user's cache, so that only the first process of all
waits for it; where neither can be written, as in a container that is only read, each compiles for itself.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compiles a function at its first call with arrays of these types; other threads run meanwhile."""
    return _compile(function, fastmath=False)


def compiled_in_any_order(function: Function) -> Function:
    """As `compiled`, but what is added up may be taken in another order, several numbers at a time.

    The order is that of the compiler: it does not depend on what lies beside the numbers.
    """
    return _compile(function, fastmath={"reassoc", "contract"})


def _compile(function: Function, fastmath: bool | set[str]) -> Function:
    made = numba.njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
    with suppress(RuntimeError):
        made.enable_caching()
    return cast(Function, made)
