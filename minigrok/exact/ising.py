"""How many configurations of the Ising model on an L x L torus have each energy, as exact integers.

E = -sum over bonds of s_i s_j. In zero field the partition function is Z(K) = sum_E g(E) exp(-K E), and with
t = exp(-2 K)

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

from collections.abc import Iterator
from functools import cache
from math import lcm

import numpy as np

from minigrok.checks import IntArray, whole_number

# With 2: strong pseudoprimes to all five are above 2^40 (G. Jaeschke, Mathematics of Computation 61, 915 (1993))
ODD_WITNESSES = (3, 5, 7, 11)


def exact_counts(L: int) -> tuple[int, ...]:
    """g_j, the number of configurations with E = -2 N + 4 j for j = 0 .. N = L^2: exact integers, sum 2^N.

    They are the coefficients of t^N Z = sum_j g_j t^(2 j), with Z by Kaufman's formula at the top of this module.

    Parameters
    ----------
    L : int
        Side of the torus, even. For L = 2 each pair of neighbours has two bonds.

    Returns
    -------
    tuple of int, N + 1 of them

    Raises
    ------
    ValueError
        If `L` is no whole number, 2 or more, or odd: for odd L the formula takes another form.

    References
    ----------
    .. [1] P. D. Beale, Physical Review Letters 76, 78 (1996).

    Examples
    --------
    Two ground states; none with 2 bonds broken; one of the 16 spins turned, or all but one:

    >>> exact_counts(4)[:4]
    (2, 0, 32, 64)
    >>> sum(exact_counts(8)) == 2**64
    True
    """
    L = whole_number("L", L, 2)
    if L % 2:
        raise ValueError(f"L is {L}, but the exact counts are built for even L: take {L - 1} or {L + 1}")
    return _counts(L)


@cache
def _counts(L: int) -> tuple[int, ...]:
    """The same for an L that has been checked."""
    N = L * L
    points = 1 << N.bit_length()                         # a power of two above N: the order of the root of unity
    counts, modulus = [0] * (N + 1), 1
    for q in _primes(lcm(2 * L, 2 * points)):
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
