import itertools

import numpy as np
import pytest

from minigrok.exact import ising
from minigrok.exact.ising import exact_counts


def enumerated_ising(L):
    counts = {}
    for spins in itertools.product([-1, 1], repeat=L * L):
        s = np.reshape(spins, (L, L))
        energy = -int((s * np.roll(s, 1, 0)).sum() + (s * np.roll(s, 1, 1)).sum())
        counts[energy] = counts.get(energy, 0) + 1
    return tuple(counts.get(energy, 0) for energy in range(-2 * L * L, 2 * L * L + 1, 4))


def test_exact_counts_are_those_of_enumeration():
    assert exact_counts(2) == enumerated_ising(2)
    assert exact_counts(4) == enumerated_ising(4)


@pytest.mark.parametrize("L", [4, 6, 8, 16, 32])
def test_exact_counts_obey_their_laws(L):
    counts, N = exact_counts(L), L * L
    assert sum(counts) == 2**N
    assert counts[:4] == (2, 0, 2 * N, 4 * N)            # all alike; none; one spin turned; two neighbours turned
    assert counts == counts[::-1]                        # E -> -E on the bipartite torus


def test_the_mean_square_of_the_energy_is_the_number_of_bonds():
    """Without coupling the bonds s_i s_j are independent signs: sum_E g E^2 = 2 N 2^N, in integers."""
    N = 32 * 32
    assert sum(count * (-2 * N + 4 * j) ** 2 for j, count in enumerate(exact_counts(32))) == 2 * N * 2**N


def test_the_prime_test_knows_its_primes():
    primes = [q for q in range(13, 2000, 2) if ising._is_prime(q)]
    assert primes == [q for q in range(13, 2000, 2) if all(q % d for d in range(3, int(q**0.5) + 1, 2))]


@pytest.mark.parametrize(("L", "message"), [
    (5, "L is 5, but .* even L: take 4 or 6"), (0, "L is 0"), (2.0, "L is 2.0")])
def test_sides_without_an_answer_are_refused(L, message):
    with pytest.raises(ValueError, match=message):
        exact_counts(L)
