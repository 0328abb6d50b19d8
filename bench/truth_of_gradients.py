"""Numerical truth of gradients: backpropagation, fused training, dS/dA, dP/dA, dchi/dA, against exact differences."""

import numpy as np
from exact_numbers import (
    PHI,
    central_differences,
    entropy,
    exact_gram,
    exact_numbers_array,
    holevo,
    loss_of_net,
    purity,
    spectrum_of_gram,
)
from mpmath import mpf
from truth_of_states import activations, degenerate

import minigrok as mg

LOSSES, SEEDS = ("cross_entropy", "squared_error"), 2
SIZES = ([3, 5, 4, 3], [3, 5, 3])    # the second is what the fused form of training serves
INPUTS = 7
LARGE_RATE = 2.0**20           # of one step of SGD, in which theta is nothing beside lr dL/dtheta, and rounds nothing
STATES = ((1e2, 4), (1e6, 4), (1e12, 4), (1e12, 8))
ZERO = 1e-12                   # a gradient, times |A|, that is nothing but rounding: S, P or chi is at an extremum
NOTES = """
(e) Components that nearly cancel are off by more in proportion: they are sums over inputs of terms of both signs.
(f) An eigenvalue p has an error of eps, hence ln p one of eps / p, on an eigenvector where A is about sqrt(p): together
    eps / sqrt(p), and at most some sqrt(eps), 1.5e-8, where p is about eps. Below that A is a rounding itself."""


def data(seed, features, classes):
    """Inputs and labels."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(INPUTS, features)), rng.integers(0, classes, INPUTS)


def deviations(found, exact):
    """Largest error beside the largest component, and largest in proportion to its own component (zeros left out)."""
    off = [abs(float(mpf(float(value)) - true)) for value, true in zip(found.flat, exact.flat, strict=True)]
    size = [abs(float(true)) for true in exact.flat]
    own = [error / true for error, true in zip(off, size, strict=True) if true > 0]
    return np.array([max(off) / max(size), max(own)])


def plain_gradient(net, X, y):
    """dL/dtheta by backpropagation."""
    return net.loss_and_gradient(X, y)[1]


def exact_gradient(net, X, y):
    """dL/dtheta of a net at its own parameters, which are taken as they are, float32 or float64."""
    theta, inputs = exact_numbers_array(net.theta), exact_numbers_array(X.astype(net.theta.dtype))
    return central_differences(lambda values: loss_of_net(values, net, inputs, y), theta)


def fused_gradient(net, X, y):
    """dL/dtheta from one large step of the fused form."""
    before = net.theta.astype(float)
    task = mg.tasks.from_arrays(X, y, X[:1], y[:1])
    mg.train(net, task, mg.SGD(LARGE_RATE), 1)
    return (before - net.theta) / LARGE_RATE


def networks(say):
    """Backpropagation by loss and activation, and one step of the fused form."""
    say(f"dL/dtheta at {INPUTS} normal inputs, fan_in_uniform, with biases, {SEEDS} seeds: largest error beside the "
        "largest\ncomponent, and (e) component by component; fused: from one step of training with a rate of 2^20\n")
    deep, fused = SIZES
    kinds = {"3-5-4-3": (deep, "float64", plain_gradient), "float32": (deep, "float32", plain_gradient),
             "3-5-3, fused": (fused, "float64", fused_gradient), "fused float32": (fused, "float32", fused_gradient)}
    say(f"{'loss, activation':26}" + "".join(f"{kind:>15}{'(e)':>9}" for kind in kinds))
    for loss in LOSSES:
        for activation in PHI:
            row = ""
            for sizes, dtype, gradient in kinds.values():
                worst = np.zeros(2)
                for seed in range(SEEDS):
                    X, y = data(seed, sizes[0], sizes[-1])
                    net = mg.MLP(sizes, activation, loss, "fan_in_uniform", dtype=dtype, seed=seed)
                    exact = exact_gradient(net, X, y)
                    worst = np.fmax(worst, deviations(gradient(net, X, y), exact))
                row += f"{worst[0]:15.1e}{worst[1]:9.1e}"
            say(f"{f'{loss}, {activation}':26}{row}")


def of_activations(name, A, y):
    """A row: errors of the three gradients at A, times |A|, and beside the largest component."""
    point, length = exact_numbers_array(A), float(np.linalg.norm(A / abs(A).max())) * float(abs(A).max())
    pairs = ((mg.entropy_gradient(A), lambda B: entropy(spectrum_of_gram(exact_gram(B)))),
             (mg.purity_gradient(A), lambda B: purity(spectrum_of_gram(exact_gram(B)))),
             (mg.holevo_gradient(A, y), lambda B: holevo(B, y)))
    row = ""
    for found, function in pairs:
        exact = central_differences(function, point)
        off = max(abs(float(mpf(float(value)) - true)) for value, true in zip(found.flat, exact.flat, strict=True))
        largest = max(abs(float(value)) for value in exact.flat)
        beside = f"{off / largest:10.1e}" if largest * length > ZERO else f"{'-':>10}"
        row += f"{off * length:12.1e}{beside}"
    return f"{name:38}{row}"


def small(name, A):
    """A corner of the activations of `degenerate`, for an exact gradient takes many exact spectra."""
    if "inputs" in name:
        return A[:3, :5]
    return A[:8, 2:8] if len(A) == 32 else A[:4, :4]


def states(say):
    """Gradients of S, P and chi."""
    say(f"\nof a state by its activations, two classes in turn: largest error times |A|, and beside the largest "
        f"component\n\n{'':38}" + "".join(f"{name:>12}{'beside':>10}" for name in ("dS/dA", "dP/dA", "dchi/dA")))
    for condition, d in STATES:
        A = activations(condition, d, 0)
        row = of_activations(f"condition {condition:.0e}, d = {d}", A, np.arange(len(A)) % 2)
        say(row + "   (f)" * (condition > 1e3))
    for name, A in degenerate():
        if "1e-310" not in name:                         # its gradients are above the largest float64
            A = small(name, A)
            words = name.replace(" of 16", "").partition(", d")[0]
            row = of_activations(f"{words} {A.shape}", A, np.arange(len(A)) % 2)
            say(row + "   (f)" * ("eigenvalue" in name))


def tables(say):
    """All of them."""
    say("\n2. GRADIENTS, against central differences with 60 digits\n")
    networks(say)
    states(say)
    say(NOTES)
