"""The Ising model on an L x L torus: E = -sum over bonds of s_i s_j, and its density of states exactly.

In zero field the partition function is Z(K) = sum_E g(E) exp(-K E), and with t = exp(-2 K)

    Z = t^(-N) sum_j g_j t^(2 j),    E_j = -2 N + 4 j,    j = 0 .. N,    N = L^2.

Kaufman's closed form, as Beale uses it to count states, with m = L / 2 (L even) and
2 cosh gamma_k = (t + 1/t)^2 / (1/t - t) - 2 cos(pi k / L):

    Z = 1/2 (1/t - t)^(N/2) [ prod_{k odd} 2 cosh(m gamma_k) + prod_{k odd} 2 sinh(m gamma_k)
                              + prod_{k even} 2 cosh(m gamma_k) + prod_{k even} 2 sinh(m gamma_k) ],    0 <= k < 2 L.

The integers g_j, up to 2^N, are found without rounding: in the field of integers modulo a prime q the
same formula gives Z at N + 1 or more values of t^2 that are powers of a root of unity, a discrete Fourier
transform gives g_j modulo q, and the Chinese remainder theorem puts several primes together.

References
----------
.. [1] B. Kaufman, Physical Review 76, 1232 (1949).
.. [2] P. D. Beale, Physical Review Letters 76, 78 (1996).
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrok.checks import FloatArray, IntArray, whole_number

ODD_WITNESSES = (3, 5, 7, 11)  # with 2: strong pseudoprimes to all five are above 2^40


class Spins(NamedTuple):
    """A configuration on its way, and the move that it considers."""

    spins: IntArray            # (N,) +1 or -1
    neighbours: IntArray       # (N, 4)
    energy: FloatArray         # (1,)
    site: IntArray             # (1,) that would be turned


def propose(state: Spins, uniforms: FloatArray) -> tuple[float, float]:
    """Turn one random spin: the energy grows by 2 s_i (sum of its neighbours)."""
    site = int(uniforms[0] * len(state.spins))
    state.site[0] = site
    field = 0
    for k in range(4):
        field += state.spins[state.neighbours[site, k]]
    return state.energy[0] + 2.0 * state.spins[site] * field, 0.0


def accept(state: Spins, energy: float) -> None:
    """Turn it."""
    site = state.site[0]
    state.spins[site] = -state.spins[site]
    state.energy[0] = energy


class Ising2D:
    """The Ising model on an L x L torus (J = 1), energies from -2 N to 2 N in steps of 4.

    Parameters
    ----------
    L : int
        Side, 2 or more. For L = 2 each pair of neighbours has two bonds.

    Examples
    --------
    >>> np.exp(Ising2D(2).exact_log_g()).round().astype(int)         # E = -8, -4, 0, 4, 8
    array([ 2,  0, 12,  0,  2])
    """

    uniforms = 1
    propose = staticmethod(propose)
    accept = staticmethod(accept)

    def __init__(self, L: int) -> None:
        self.L = whole_number("L", L, 2)

    @property
    def levels(self) -> FloatArray:
        """-2 N, -2 N + 4, ..., 2 N; the second and the last but one do not occur."""
        N = self.L**2
        return np.arange(-2 * N, 2 * N + 1, 4, dtype=np.float64)

    @property
    def edges(self) -> FloatArray:
        """One bin around each level."""
        return np.append(self.levels - 2, self.levels[-1] + 2)

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON."""
        return {"name": "Ising2D", "L": self.L}

    def start(self, rng: np.random.Generator) -> Spins:
        """Random spins."""
        L = self.L
        spins = rng.choice(np.array([-1, 1]), L * L)
        x, y = np.divmod(np.arange(L * L), L)
        beside = ((x + 1) % L * L + y, (x - 1) % L * L + y, x * L + (y + 1) % L, x * L + (y - 1) % L)
        neighbours = np.stack(beside, axis=1)
        state = Spins(spins, neighbours, np.zeros(1), np.zeros(1, np.int64))
        state.energy[0] = self.energy(state)
        return state

    def energy(self, state: Spins) -> float:
        """E, computed afresh; each bond is seen from both its ends."""
        return -0.5 * float((state.spins[:, None] * state.spins[state.neighbours]).sum())

    def observe(self, state: Spins, rng: np.random.Generator) -> dict[str, float]:
        """The size of the magnetisation per spin."""
        return {"magnetisation": abs(float(state.spins.mean()))}

    def exact_log_g(self) -> FloatArray:
        """ln of the number of configurations at each of `levels`, exact to rounding; -inf where there is none."""
        return np.array([math.log(count) if count else -math.inf for count in exact_counts(self.L)])


@cache
def exact_counts(L: int) -> tuple[int, ...]:
    """g_j, the number of configurations with E = -2 N + 4 j for j = 0 .. N: exact integers that add up to 2^N.

    Raises
    ------
    ValueError
        For odd L, for which the formula takes another form.
    """
    if L % 2:
        raise ValueError(f"L is {L}, but the exact counts are built for even L: take {L - 1} or {L + 1}")
    N = L * L
    points = 1 << N.bit_length()                         # a power of two above N: the order of the root of unity
    counts, modulus = [0] * (N + 1), 1
    for q in _primes(math.lcm(2 * L, 2 * points)):
        residues = _counts_modulo(L, points, q)
        inverse = pow(modulus, -1, q)                    # Chinese remainder, one prime at a time
        counts = [c + modulus * ((int(r) - c) * inverse % q) for c, r in zip(counts, residues, strict=True)]
        modulus *= q
        if modulus > 1 << N:
            return tuple(counts)
    raise AssertionError("there are infinitely many such primes")


def _counts_modulo(L: int, points: int, q: int) -> IntArray:
    """g_j modulo the prime q, from Kaufman's formula at t_i = h mu^i, where mu has order 2 * points."""
    N, m = L * L, L // 2
    h = _generator(q)
    mu, omega = pow(h, (q - 1) // (2 * points), q), pow(h, (q - 1) // (2 * L), q)
    t = h * _powers(mu, points, q) % q                   # h generates: t is never +-1, where the formula is 0/0
    inverse = _power(t, q - 2, q)
    ratio = _power((inverse - t) % q, q - 2, q)          # 1 / (1/t - t)
    a = ((t + inverse) % q) ** 2 % q * ratio % q
    products = {f"{name} {side}": np.ones(points, np.int64) for name in ("cosh", "sinh") for side in ("odd", "even")}
    for k in range(2 * L):
        c = (a - pow(omega, k, q) - pow(omega, 2 * L - k, q)) % q                   # 2 cosh gamma_k
        cosh, sinh = _chebyshev(c, m, q)
        side = "odd" if k % 2 else "even"
        products[f"cosh {side}"] = products[f"cosh {side}"] * cosh % q
        products[f"sinh {side}"] = products[f"sinh {side}"] * sinh % q
        # gamma_k = gamma_(2L-k): the factors 2 sinh gamma come in pairs, (2 sinh gamma)^2 = c^2 - 4, one for each
        if 0 < k < L:
            products[f"sinh {side}"] = products[f"sinh {side}"] * ((c * c - 4) % q) % q
    # the two without a partner: exp(gamma_0) = (1 - t) / (t (1 + t)), exp(gamma_L) = (1 + t) / (t (1 - t))
    plus, minus = (1 + t) % q, (1 - t) % q
    for up, down in ((minus, t * plus % q), (plus, t * minus % q)):
        sinh = (up * _power(down, q - 2, q) - down * _power(up, q - 2, q)) % q
        products["sinh even"] = products["sinh even"] * sinh % q
    Z = sum(products.values()) % q * pow(2, -1, q) % q * _power((inverse - t) % q, N // 2, q) % q
    polynomial = Z * _power(t, N, q) % q                 # sum_j g_j t^(2 j), at t^2 = h^2 eta^i with eta = mu^2
    back = pow(pow(mu, 2, q), -1, q)
    transform = _powers(back, points, q)
    i = np.arange(points)
    counts = np.array([int((polynomial * transform[i * j % points] % q).sum() % q) for j in range(N + 1)])
    scale = pow(points, -1, q)
    shrink = _powers(pow(h * h % q, -1, q), N + 1, q)
    return counts * scale % q * shrink % q


def _chebyshev(c: IntArray, m: int, q: int) -> tuple[IntArray, IntArray]:
    """2 cosh(m gamma) and sinh(m gamma) / sinh(gamma) from c = 2 cosh gamma, by their common recurrence."""
    cosh, cosh_before = c, np.full_like(c, 2)
    sinh, sinh_before = np.ones_like(c), np.zeros_like(c)
    for _ in range(m - 1):
        cosh, cosh_before = (c * cosh - cosh_before) % q, cosh
        sinh, sinh_before = (c * sinh - sinh_before) % q, sinh
    return cosh, sinh


def _power(base: IntArray, exponent: int, q: int) -> IntArray:
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = result * base % q
        base = base * base % q
        exponent >>= 1
    return result


def _powers(base: int, count: int, q: int) -> IntArray:
    """base^0 .. base^(count - 1) modulo q."""
    powers = np.ones(count, np.int64)
    for i in range(1, count):
        powers[i] = int(powers[i - 1]) * base % q
    return powers


def _primes(step: int) -> Iterator[int]:
    """Primes of the form 1 + k * step, downwards from 2^31: products of two residues fit into 63 bits."""
    q = (2**31 - 2) // step * step + 1
    while q > 1:
        if _is_prime(q):
            yield q
        q -= step


def _is_prime(q: int) -> bool:
    """The strong pseudoprime test to the bases 2, 3, 5, 7, 11: proof enough for 11 < q < 2^31."""
    d, s = q - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for base in (2, *ODD_WITNESSES):
        x = pow(base, d, q)
        if x not in (1, q - 1) and all((x := x * x % q) != q - 1 for _ in range(s - 1)):
            return False
    return True


@cache
def _generator(q: int) -> int:
    """The smallest generator of the multiplicative group modulo q."""
    rest, factors, divisor = q - 1, set(), 2
    while rest > 1:
        while rest % divisor == 0:
            factors.add(divisor)
            rest //= divisor
        divisor += 1 if divisor * divisor <= rest or rest == 1 else rest - divisor
    return next(g for g in range(2, q) if all(pow(g, (q - 1) // factor, q) != 1 for factor in factors))
