"""The one place that meets numba: `@jit` compiles a kernel, or leaves it alone.

With numba, `@jit` is `numba.njit` with a cache on disk. Numba by itself looks only at the
file of the cached function, so after an edit to a file that this function *calls* the old
machine code would run in silence. Here the name of the cache folder holds a hash of every
source file of the package: after any edit the folder is another one, and the code is
compiled anew.

Without numba, or under MINIGROK_NO_JIT=1, `@jit` is the identity: everything works, slowly,
and every line can be stepped through with a debugger. In both cases `kernel.py_func` is the
plain Python function.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
DAY = 86_400.0                 # seconds


class Kernel(Generic[Parameters, Result]):
    """A compiled function, which still knows its plain form."""

    py_func: Callable[Parameters, Result]

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        raise NotImplementedError("a name for the type checker: kernels come from jit")


def _import_numba() -> Any:
    if os.environ.get("MINIGROK_NO_JIT", "0") not in ("", "0"):
        return None
    try:
        import numba
    except ImportError:
        return None
    return numba


numba = _import_numba()
JIT_ENABLED = numba is not None
PACKAGE = Path(__file__).resolve().parent


def hash_of_sources(folder: Path) -> str:
    """Hash of the names and contents of all Python files below `folder`, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(source)} ".encode())
        digest.update(source)
    return digest.hexdigest()[:16]


def _cache_root() -> Path | None:
    """Where caches lie: NUMBA_CACHE_DIR if the user set it, else the user's cache folder."""
    if os.environ.get("NUMBA_CACHE_DIR"):        # set but empty means unset, to numba too
        return Path(os.environ["NUMBA_CACHE_DIR"])
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minigrok"
    except RuntimeError:                         # this user has no home folder
        return None


@cache
def cache_folder(*more_sources: Path) -> Path | None:
    """The folder for machine code of the package as it is now; None where nothing can be written.

    `more_sources` are files outside the package that the code depends on, such as a user's
    own Wang-Landau system. Folders of earlier versions of the same sources are removed once they are a day old: till
    then a process that was started before the edit may be compiling into them.
    """
    root = _cache_root()
    if root is None:
        return None
    contents = "".join([hash_of_sources(PACKAGE), *(path.read_text(encoding="utf-8") for path in more_sources)])
    place = hashlib.sha256("|".join(map(str, (PACKAGE, *more_sources))).encode()).hexdigest()[:12]
    folder = root / f"{place}-{hashlib.sha256(contents.encode()).hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return None
    for old in root.glob(f"{place}-*"):
        with contextlib.suppress(OSError):               # another process has just removed it
            if folder.stat().st_mtime - old.stat().st_mtime > DAY:
                shutil.rmtree(old)
    return folder


@contextlib.contextmanager
def _cache_directory(folder: Path) -> Iterator[None]:
    """Numba reads its option CACHE_DIR while it decorates; other people's functions must not see ours."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def jit(
    function: Callable[Parameters, Result], *, depends_on: tuple[Path, ...] = (), inline: bool = False
) -> Kernel[Parameters, Result]:
    """Compile `function` with numba, or return it as it is where numba is missing or switched off.

    Compiled code holds no interpreter lock, divides like NumPy (1 / 0 is inf) and keeps IEEE
    rules: no fastmath, so that NaN stays NaN.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers, random numbers among them, and returns the same.
    depends_on : tuple of Path
        Source files outside the package whose change must make the compiled code new.
    inline : bool
        Whether it becomes part of its callers' code; `inlined` is the decorator for that.

    Returns
    -------
    callable
        With the plain function as its attribute `py_func`.

    Examples
    --------
    >>> @jit
    ... def twice(x: float) -> float:
    ...     return 2 * x
    >>> twice(1.5), twice.py_func(1.5)
    (3.0, 3.0)
    """
    kernel: Any
    if not JIT_ENABLED:
        kernel = function
        kernel.py_func = function
        return cast(Kernel[Parameters, Result], kernel)
    options = {"nogil": True, "error_model": "numpy", "inline": "always" if inline else "never"}
    folder = cache_folder(*depends_on)
    if folder is None or not Path(function.__code__.co_filename).exists():     # a doctest or an interactive session
        kernel = numba.njit(**options)(function)
    else:
        with _cache_directory(folder):
            kernel = numba.njit(cache=True, **options)(function)
    return cast(Kernel[Parameters, Result], kernel)


def inlined(function: Callable[Parameters, Result]) -> Kernel[Parameters, Result]:
    """As `jit`, for a part of a longer kernel that is called from one place: it becomes part of its caller's code."""
    return jit(function, inline=True)


def dispatch_on_class(function: Callable[..., Any], target_of: Callable[[type], Any]) -> None:
    """Let compiled code call `function(first, second)`, resolved by the class of `first`, a named tuple.

    When a jitted caller is compiled for a class, `target_of(class)` gives the kernel that takes the call's
    place. So one loop serves every class of system, at the speed of a loop written for it. Without
    numba nothing is to be done: `function` itself looks the target up.
    """
    if not JIT_ENABLED:
        return

    def resolve(first, second):  # type: ignore[no-untyped-def]     # numba wants the signature of the lambda
        target = target_of(first.instance_class)
        return lambda first, second: target(first, second)

    import numba.extending

    numba.extending.overload(function)(resolve)
