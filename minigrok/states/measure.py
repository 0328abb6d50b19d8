"""All numbers of one state at once, from one spectrum.

With the eigenvalues p_1 <= ... <= p_d of the density matrix of activations A (n, d), which are taken once and
from the smaller of the two Gram matrices,

    S = -sum p ln p,    P = sum p^2,    1 - P,    exp S,    1 / P,    S / ln d,
    -ln p_d,    1 / p_d,    p_d - p_(d-1),    how many p exceed 1e-10 p_d.

Which state belongs to A is a convention (see `minigrok.density`), and a conclusion that flips with
the convention is none: `measure(A, conventions="all")` gives the numbers in each of them.
"""

from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, short
from minigrok.density import activation_spectrum, spectrum
from minigrok.fast.eigenvalues import LARGEST_JITTED_DIMENSION
from minigrok.grams import CONVENTIONS, activation_array
from minigrok.jit import JIT_ENABLED
from minigrok.states.labels import class_states
from minigrok.states.numbers import numbers_of_stack, numbers_of_state

Value = float | FloatArray


class StateMetrics(NamedTuple):
    """The numbers of one state; of a stack each is an array of the stack's shape."""

    convention: str | None        # how the state was made of the activations; None if it was given as it is
    inputs: int | None            # n, of the activations
    dimension: int                # d, the number of neurons
    entropy: Value                # S = -sum p ln p in nats          0 .. ln d
    purity: Value                 # P = sum p^2                    1/d .. 1
    linear_entropy: Value         # 1 - P                            0 .. 1 - 1/d
    effective_rank: Value         # exp S                            1 .. d
    participation_ratio: Value    # 1 / P                            1 .. d
    normalised_entropy: Value     # S / ln d                         0 .. 1; NaN for d = 1, where it is 0 / 0
    min_entropy: Value            # -ln of the largest p, in nats    0 .. ln d
    stable_rank: Value            # 1 / the largest p                1 .. d
    spectral_gap: Value           # the largest p minus the next     0 .. 1
    numerical_rank: Value         # how many p exceed 1e-10 of the largest
    spectrum: FloatArray          # (..., d) p in ascending order
    holevo_information: float | None = None      # of the labels, in nats; None without labels
    holevo_share: float | None = None            # of S

    def as_dict(self) -> dict[str, Any]:
        """Names and plain Python values (of a stack: nested lists), all but the spectrum, for JSON or a line of CSV.

        Examples
        --------
        >>> measure([[1.0, 0.0], [0.0, 1.0]]).as_dict()["purity"]
        0.5
        """
        values = {name: value for name, value in self._asdict().items() if name != "spectrum"}
        return {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}


@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *,
    conventions: Literal["trace", "rows", "centered", "centered_rows"] = "trace",
) -> StateMetrics:
    """One convention by its name: its numbers."""
@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *, conventions: Literal["all"] | tuple[str, ...] | list[str]
) -> dict[str, StateMetrics]:
    """Several, or all: the numbers of each by its name."""
@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *, conventions: str
) -> StateMetrics | dict[str, StateMetrics]:
    """A name that is not known beforehand: either."""
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *, conventions: str | tuple[str, ...] | list[str] = "trace"
) -> StateMetrics | dict[str, StateMetrics]:
    """Entropy, purity and all that follows from them, of the state of activations A.

    With the eigenvalues p of `density_matrix(A, convention)`: S = -sum p ln p in nats, P = sum p^2,
    and the others as listed in `StateMetrics`.

    Parameters
    ----------
    A : array_like, shape (..., n, d)
        Activations: n inputs, d neurons; or a stack of such matrices. Real or complex.
    labels : array_like of int, shape (n,), optional
        Adds the Holevo information, see `minigrok.states.labels`; A is then one matrix.
    conventions : str or tuple of str
        One of "trace", "rows", "centered", "centered_rows"; a tuple of them; or "all".

    Returns
    -------
    StateMetrics, or dict
        For one name its numbers; for a tuple or "all" a dict from name to numbers.

    Raises
    ------
    ValueError
        As for `density_matrix`; also for a single input, if A has no state in one of the conventions
        asked for, or if the tuple is empty.

    References
    ----------
    .. [1] O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007, section 2 (there of the
       singular values themselves; here p are their squares).

    Examples
    --------
    >>> m = measure([[3.0, 0.0], [0.0, 1.0]])
    >>> m.spectrum, round(m.purity, 6), round(m.effective_rank, 4)
    (array([0.1, 0.9]), 0.82, 1.3841)
    >>> table = measure([[3.0, 0.0], [0.0, 1.0]], conventions=("trace", "rows"))
    >>> {name: round(m.normalised_entropy, 4) for name, m in table.items()}
    {'trace': 0.469, 'rows': 1.0}
    """
    array = activation_array(A)
    if array.shape[-2] == 1:
        raise ValueError(
            f"A has shape {array.shape}, a single input, whose state is pure whatever the network does: "
            "give two inputs or more (density_matrix(A) is its projector)")
    names = CONVENTIONS if isinstance(conventions, str) and conventions == "all" else conventions
    if not isinstance(names, tuple | list):
        return _measured(array, names, labels)
    if not names:
        raise ValueError(f"conventions is {short(conventions)}, but must name one at least: {', '.join(CONVENTIONS)}")
    return {name: _measured(array, name, labels) for name in names}


def measure_state(rho: ArrayLike) -> StateMetrics:
    """All numbers of a density matrix, or of a stack of them, from one eigendecomposition.

    Parameters
    ----------
    rho : array_like, shape (..., d, d)
        Hermitian, positive semidefinite, of unit trace.

    Returns
    -------
    StateMetrics
        With `convention` and `inputs` None.

    Raises
    ------
    ValueError
        If `rho` is no density matrix.

    Examples
    --------
    >>> m = measure_state([[0.5, 0.25], [0.25, 0.5]])
    >>> m.spectrum, m.purity, round(m.entropy, 4), round(m.spectral_gap, 4)
    (array([0.25, 0.75]), 0.625, 0.5623, 0.5)
    """
    if (JIT_ENABLED and type(rho) is np.ndarray and rho.dtype == np.float64 and rho.ndim == 2
            and 0 < len(rho) == rho.shape[1] <= LARGEST_JITTED_DIMENSION
            and rho.flags.c_contiguous):                 # the quick way, for one small state; plain, it is no quicker
        fields = numbers_of_state(rho)
        if fields[2]:
            return StateMetrics._make(fields)
    return _of_spectrum(None, None, spectrum(rho))       # which says what is wrong, if anything is


def _measured(A: InexactArray, convention: str, labels: ArrayLike | None) -> StateMetrics:
    numbers = _of_spectrum(convention, A.shape[-2], activation_spectrum(A, convention))
    if labels is None:
        return numbers
    split = class_states(A, labels, convention)
    return numbers._replace(holevo_information=split.holevo_information, holevo_share=split.share)


def _of_spectrum(convention: str | None, inputs: int | None, p: FloatArray) -> StateMetrics:
    d = p.shape[-1]
    columns = numbers_of_stack(p.reshape(-1, d)).T
    if p.ndim == 1:
        *values, rank = columns[:, 0].tolist()
        return StateMetrics._make((convention, inputs, d, *values, int(rank), p, None, None))
    *arrays, ranks = columns.reshape(-1, *p.shape[:-1])
    return StateMetrics._make((convention, inputs, d, *arrays, ranks.astype(np.int64), p, None, None))
