"""All numbers of one state at once, from one spectrum.

With the eigenvalues p_1 ... p_d of the density matrix of activations A (n, d), which are taken once and
from the smaller of the two Gram matrices,

    S = -sum p ln p,    P = sum p^2,    1 - P,    exp S,    1 / P,    S / ln d.

Which state belongs to A is a convention (see `minigrok.density`), and a conclusion that flips with
the convention is none: `measure(A, conventions="all")` gives the numbers in each of them.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from minigrok.checks import FloatArray, InexactArray, numeric_array
from minigrok.density import CONVENTIONS, activation_spectrum
from minigrok.metrics import Number, entropy_of_spectrum, purity_of_spectrum
from minigrok.states.labels import class_states


@dataclass(frozen=True, eq=False)
class StateMetrics:
    """The numbers of one state; of a stack (..., n, d) of activations each is an array of shape (...)."""

    convention: str               # how the state was made of the activations
    inputs: int                   # n
    dimension: int                # d, the number of neurons
    entropy: Number               # S = -sum p ln p in nats          0 .. ln d
    purity: Number                # P = sum p^2                    1/d .. 1
    linear_entropy: Number        # 1 - P                            0 .. 1 - 1/d
    effective_rank: Number        # exp S                            1 .. d
    participation_ratio: Number   # 1 / P                            1 .. d
    normalised_entropy: Number    # S / ln d                         0 .. 1; NaN for d = 1, where it is 0 / 0
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
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "spectrum"}
        return {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}


@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *,
    conventions: Literal["trace", "rows", "centered", "centered_rows"] = "trace",
) -> StateMetrics: ...
@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *, conventions: Literal["all"] | tuple[str, ...] | list[str]
) -> dict[str, StateMetrics]: ...
@overload
def measure(
    A: ArrayLike, labels: ArrayLike | None = None, *, conventions: str
) -> StateMetrics | dict[str, StateMetrics]: ...
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
        As for `density_matrix`: also if A has no state in one of the conventions asked for, as a
        single input has none in the centred ones. Or if the tuple is empty.

    References
    ----------
    .. [1] O. Roy and M. Vetterli, "The effective rank", EUSIPCO 2007, section 2 (there of the
       singular values themselves; here p are their squares).

    Examples
    --------
    >>> m = measure([[3.0, 0.0], [0.0, 1.0]])
    >>> m.spectrum, m.purity.round(6), m.effective_rank.round(4)
    (array([0.1, 0.9]), np.float64(0.82), np.float64(1.3841))
    >>> table = measure([[3.0, 0.0], [0.0, 1.0]], conventions=("trace", "rows"))
    >>> {name: m.normalised_entropy.round(4) for name, m in table.items()}
    {'trace': np.float64(0.469), 'rows': np.float64(1.0)}
    """
    array = numeric_array("A", A)
    names = CONVENTIONS if conventions == "all" else conventions
    if not isinstance(names, tuple | list):
        return _measured(array, names, labels)
    if not names:
        raise ValueError(f"conventions is {conventions!r}, but must name one at least of: {', '.join(CONVENTIONS)}")
    return {name: _measured(array, name, labels) for name in names}


def _measured(A: InexactArray, convention: str, labels: ArrayLike | None) -> StateMetrics:
    p = activation_spectrum(A, convention)
    S, P = entropy_of_spectrum(p), purity_of_spectrum(p)
    n, d = A.shape[-2:]
    return StateMetrics(
        convention=convention, inputs=n, dimension=d, entropy=S, purity=P, linear_entropy=1 - P,
        effective_rank=np.exp(S), participation_ratio=1 / P,
        normalised_entropy=S / np.log(d) if d > 1 else S * np.nan, spectrum=p,
        **({} if labels is None else _holevo(A, labels, convention)))


def _holevo(A: InexactArray, labels: ArrayLike, convention: str) -> dict[str, float]:
    split = class_states(A, labels, convention)
    return {"holevo_information": split.holevo_information, "holevo_share": split.share}
