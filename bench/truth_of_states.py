"""Numerical truth of states: S, P and what follows from them, on every public way from activations to a number."""

import numpy as np
from exact_numbers import entropy, exact_spectrum, purity, renyi_half
from mpmath import mpf

import minigrok as mg

EPS = float(np.finfo(float).eps)
CONDITIONS = tuple(10.0**k for k in range(0, 13, 2))     # of the state: largest p over smallest
SEEDS = {2: 5, 6: 5, 16: 3, 64: 1}                      # number of states by dimension
MOST_IN_FLOAT32 = 16           # neurons: a truth of 64 takes seconds
TALL = (90_000, 25)            # from 2^21 entries on, and above 24 columns, machine code sums A^T A
NOTES = """
(a) All ways but "SVD" go through A^T A, whose eigenvalues have an error of eps times the largest one. So S is exact
    beside ln d, but a small S not in proportion to itself (two eigenvalues of ratio 10^12 have S = 3e-11), nor is the
    Renyi entropy of order 1/2, where an error of eps in p is one of eps / sqrt(p).
(b) Roundings of 0 are taken for 0: the smallest eigenvalues, for as long as they weigh together at most d eps. A state
    that really has such eigenvalues loses them, which costs S less than d eps ln(d / eps), 1.3e-13 for d = 16.
(c) The error of the right columns is the rounding of the activations to float32, 6e-8 of each, to which S and P answer
    in first order unless they are at an extremum; what follows is done in float64, which the left columns show.
(d) A stream does not know the scale of what is to come, so it refuses, in words, entries all below 1e-100, whose
    squares may vanish beside each other, and any above 1e154, whose squares overflow."""


def rotation(rng, d):
    """A random orthogonal matrix."""
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def activations(condition, d, seed, n=None):
    """A (2d, d) whose state has eigenvalues in geometric progression from 1 down to 1 / condition, turned at random."""
    rng = np.random.default_rng([seed, d])
    p = condition ** -np.linspace(0, 1, d)
    return np.linalg.qr(rng.normal(size=(n or 2 * d, d)))[0] * np.sqrt(p) @ rotation(rng, d).T


def numbers(state):
    """S, P and the Renyi entropy of order 1/2 of a state."""
    return float(mg.von_neumann_entropy(state)), float(mg.purity(state)), float(mg.renyi_entropy(state, 0.5))


def of_spectrum(p):
    """The same of a spectrum, by the plain formulas."""
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum()), float((p**2).sum()), float(2 * np.log(np.sqrt(p).sum()))


def measured(A):
    """The same by `measure`, where the Renyi entropy is taken of the spectrum that it gives."""
    found = mg.measure(A)
    return found.entropy, found.purity, float(2 * np.log(np.sqrt(found.spectrum).sum()))


def streamed(A, parts=1):
    """The same by accumulators that see seven rows at a time, as many as there are parts, merged."""
    whole = mg.DensityAccumulator()
    for part in np.array_split(A, parts):
        accumulator = mg.DensityAccumulator()
        for start in range(0, len(part), 7):
            accumulator.update(part[start : start + 7])
        whole.merge(accumulator)
    return numbers(whole.density_matrix())


def stacked(A):
    """The same of one of a stack of four states, which are diagonalised side by side."""
    stack = mg.density_matrix(np.stack([A[::-1], A, 2 * A, A]))
    found = mg.von_neumann_entropy(stack), mg.purity(stack), mg.renyi_entropy(stack, 0.5)
    return tuple(float(values[1]) for values in found)


WAYS = {
    "density_matrix, von_neumann_entropy": lambda A: numbers(mg.density_matrix(A)),
    "measure": measured,
    "DensityAccumulator, 7 rows at a time": streamed,
    "three of them, merged": lambda A: streamed(A, 3),
    "a stack of four states": stacked,
    "for comparison: NumPy, eigvalsh": lambda A: of_spectrum(np.linalg.eigvalsh(A.T @ A / np.trace(A.T @ A))),
    "for comparison: NumPy, SVD": lambda A: of_spectrum(np.linalg.svd(A, compute_uv=False) ** 2),
}
OURS = [name for name in WAYS if not name.startswith("for")]


def truth(A, convention="trace"):
    """S, P, Renyi 1/2 of activations, exact."""
    p = exact_spectrum(A, convention)
    return entropy(p), purity(p), renyi_half(p)


def errors(found, exact):
    """|dS|, |dS| / S, |dP| / P, error of exp S in proportion, |d Renyi|."""
    (S, P, R), (S0, P0, R0) = map(mpf, found), exact
    return np.array([float(abs(S - S0)), float(abs(S - S0) / S0) if S0 > 1e-40 else np.nan, float(abs(P - P0) / P0),
                     abs(float(np.expm1(float(S - S0)))), float(abs(R - R0))])


def line(name, values, width=38):
    """A row of a table."""
    return f"{name:{width}}" + "".join(f"{value:11.1e}" if value == value else f"{'-':>11}" for value in values)


HEAD = "".join(f"{name:>11}" for name in ("|dS|", "|dS|/S", "|dP|/P", "|d e^S|/e^S", "|d Renyi|"))


def regular(say):
    """States of known condition: by condition and dimension, by way, and in float32."""
    by_state, by_way, single = {}, {name: np.zeros(5) for name in WAYS}, {}
    for condition in CONDITIONS:
        for d, seeds in SEEDS.items():
            worst, same, other = np.zeros(5), np.zeros(5), np.zeros(5)
            for seed in range(seeds):
                A = activations(condition, d, seed)
                exact = truth(A)
                for name, way in WAYS.items():
                    found = errors(way(A), exact)
                    by_way[name] = np.fmax(by_way[name], found)
                    worst = np.fmax(worst, found) if name in OURS else worst
                if d > MOST_IN_FLOAT32:
                    continue
                A32 = A.astype(np.float32)
                found, exact32 = [WAYS[name](A32) for name in OURS[:4]], truth(A32)
                same = np.fmax.reduce([same, *(errors(one, exact32) for one in found)])
                other = np.fmax.reduce([other, *(errors(one, exact) for one in found)])
            by_state[condition, d] = worst
            if d <= MOST_IN_FLOAT32:
                single[condition, d] = same, other
    say("largest error of the five ways of minigrok, by the state's condition number and dimension\n")
    say(f"{'condition, d':16}{HEAD}")
    for (condition, d), worst in by_state.items():
        say(line(f"{condition:.0e}, {d}", worst, 16) + "   (a)" * bool(max(worst[1], worst[4]) > 1e-12))
    say(f"\nlargest error by way, over all of these states\n\n{'':38}{HEAD}")
    for name, worst in by_way.items():
        say(line(name, worst))
    say("\nfloat32 activations of the same states: against the truth of the float32 numbers, and of the float64 ones "
        "(c)\n")
    say(f"{'condition, d':16}{'float32: |dS|':>15}{'|dP|/P':>11}{'float64: |dS|':>17}{'|dP|/P':>11}")
    for (condition, d), (same, other) in single.items():
        say(f"{condition:.0e}, {d:<9}{same[0]:15.1e}{same[2]:11.1e}{other[0]:17.1e}{other[2]:11.1e}")


def conventions(say):
    """The other conventions, on activations with a mean."""
    say("\nby convention, measure; normal activations with a mean of 3, (4d, d), ten each\n\n"
        f"{'convention, d':38}{HEAD}")
    for convention in mg.CONVENTIONS:
        for d in (2, 16):
            worst = np.zeros(5)
            for seed in range(10):
                A = np.random.default_rng([seed, d]).normal(3, 1, size=(4 * d, d))
                p = mg.measure(A, conventions=convention).spectrum
                worst = np.fmax(worst, errors(of_spectrum(p), truth(A, convention)))
            say(line(f"{convention}, {d}", worst))


def degenerate():
    """Name and activations of states that are no generic ones."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(32, 16))
    yield "pure: one mode alone", np.outer(rng.integers(1, 9, 32), rng.integers(1, 9, 16)).astype(float)
    yield "maximally mixed: 7 (1 + 1)", 7 * np.tile(np.eye(16), (2, 1))
    yield "rank 5 of 16", (rng.integers(-9, 9, (32, 5)) @ rng.integers(-9, 9, (5, 16))).astype(float)
    yield "8 dead neurons of 16", A * (np.arange(16) % 2)
    yield "5 inputs, 16 neurons", A[:5]
    yield "one eigenvalue of 4e-16, d = 3", np.diag([1.0, 1.0, np.sqrt(8e-16)])
    yield "fifteen eigenvalues of 2e-16", np.diag(np.r_[1.0, np.full(15, np.sqrt(2e-16))])
    for scale in (1e-310, 1e-150, 1e150, 1e300):
        yield f"normal, times {scale:g}", A * scale


def special(say):
    """States at the edges, for `measure` and the stream."""
    say(f"\nstates at the edges, d = 16 unless said\n\n{'measure':38}{HEAD}")
    rows = []
    for name, A in degenerate():
        exact = truth(A)
        say(line(name, errors(measured(A), exact)) + "   (b)" * ("eigenvalue" in name))
        try:
            rows.append(line(name, errors(streamed(A), exact)) + "   (b)" * ("eigenvalue" in name))
        except ValueError as refusal:
            rows.append(f"{name:38}refused (d): {str(refusal).partition(':')[0]}")
    say(f"\n{'DensityAccumulator':38}{HEAD}\n" + "\n".join(rows))


def from_inside(say):
    """What machine code sums and what a run or a walk sees, against the truth of the same activations."""
    say(f"\ncompiled ways; the records and energies of 5 seeds\n\n{'':38}{HEAD}")
    A = np.random.default_rng(0).normal(size=TALL) * 0.8 ** np.arange(TALL[1])
    say(line(f"measure, {TALL[0]} x {TALL[1]} (machine code)", errors(measured(A), truth(A))))
    for activation in ("relu", "tanh", "sigmoid"):
        worst, walked = np.zeros(5), np.zeros(2)
        for seed in range(5):
            task, net = mg.tasks.moons(n=200, seed=seed), mg.MLP([2, 6, 2], activation, seed=seed)
            history = mg.train(net, task, mg.SGD(0.1), 1)
            p = history.spectrum[-1]
            worst = np.fmax(worst, errors(of_spectrum(p), truth(net.hidden(task.X_train))))
            for k, coordinate in enumerate(("entropy", "purity")):
                landscape = mg.NetworkLandscape(task, activation=activation, coordinate=coordinate)
                state = landscape.start(np.random.default_rng(seed))
                energy = mpf(landscape.energy(state))
                exact = truth(np.ascontiguousarray(state.activations[:6].T))[k]
                walked[k] = max(walked[k], float(abs(energy - exact) / (1 if k == 0 else exact)))
        say(line(f"train's record, {activation}, moons", worst))
        say(line(f"energy of the landscape, {activation}", [walked[0], np.nan, walked[1], np.nan, np.nan]))


def tables(say):
    """All of them."""
    say(f"\n1. STATES\n\nA (2d, d); numbers of states by d: {SEEDS}; dS = ours minus the truth; eps = {EPS:.1e}; "
        "Renyi is of order 1/2\n")
    regular(say)
    conventions(say)
    special(say)
    from_inside(say)
    say(NOTES)
