"""The marker's side of e09_backward."""

from types import SimpleNamespace

import numpy as np
from scipy.special import softmax

from minigrok import MLP
from minigrok.course.laws import close, fails, holds, law

LESSON, MINUTES = 2, 30
HINTS = (
    "Do the forward pass first, and keep Z1 and A: the backward pass needs them. Then go back the same way, line by "
    "line: dZ2, then dW2 and db2, dA, dZ1, and at last dW1 and db1.",
    "dZ2 = (softmax(Z2) - onehot(y)) / n. A layer Z = A W + b gives dW = A^T dZ (what went in, times what comes back), "
    "db = the sum of dZ over the inputs, dA = dZ W^T. The ReLU lets dA through where Z1 > 0, and nothing elsewhere.",
    "In NumPy: dW2 = A.T @ dZ2, db2 = dZ2.sum(axis=0), dZ1 = (dZ2 @ W2.T) * (Z1 > 0), dW1 = X.T @ dZ1, "
    "db1 = dZ1.sum(axis=0).",
)


def backward(X, y, W1, b1, W2, b2):
    Z1 = X @ W1 + b1                                     # (n, hidden)
    A = np.maximum(Z1, 0)                                # (n, hidden)
    Z2 = A @ W2 + b2                                     # (n, classes)
    dZ2 = np.exp(Z2 - Z2.max(axis=1, keepdims=True))     # the row's largest logit taken off: exp cannot overflow
    dZ2 /= dZ2.sum(axis=1, keepdims=True)                # softmax(Z2)
    dZ2[np.arange(len(y)), y] -= 1
    dZ2 /= len(y)                                        # (n, classes)    (softmax(Z2) - onehot(y)) / n
    dZ1 = (dZ2 @ W2.T) * (Z1 > 0)                        # (n, hidden)     dL/dA = dZ2 W2^T, through open ReLUs alone
    return X.T @ dZ1, dZ1.sum(axis=0), A.T @ dZ2, dZ2.sum(axis=0)


NAMES = ("dW1", "db1", "dW2", "db2")
RULES = {                              # from the top down, as one goes back
    "db2": "db2 is the sum over inputs of dZ2 = (softmax(Z2) - onehot(y)) / n",
    "dW2": "dW2 = A^T dZ2, what went into the layer times what comes back",
    "db1": "db1 is the sum over inputs of dZ1, which is dA = dZ2 W2^T where Z1 > 0, and 0 elsewhere",
    "dW1": "dW1 = X^T dZ1",
}


def check(backward, rng):
    for arguments in _inputs(rng):
        _each_by_itself(backward, arguments)
    X, y, W1, b1, W2, b2 = arguments
    law(backward, "L is a mean: to show every input twice leaves the gradient alone",
        arguments, (np.vstack([X, X]), np.append(y, y), W1, b1, W2, b2))
    silent = b1 - 1e3 * (np.arange(len(b1)) == 0)
    holds(backward, "hidden neuron 0 fires for no input, so no weight to or from it changes L: their derivatives are 0",
          lambda g: not (g[0][:, 0].any() or g[1][0] or g[2][0].any()), X, y, W1, silent, W2, b2)


def _each_by_itself(backward, arguments):
    """Which of the four are right, which are not, and the rule of the first of these on the way back."""
    gradient, expected = backward(*arguments), _of_minigrok(*arguments)
    dW2, db2 = gradient[2:]
    if not (np.allclose(db2.sum(), 0) and np.allclose(dW2.sum(axis=1), 0)):
        fails("a common shift of all logits leaves L alone, so db2, and each row of dW2, adds up to 0",
              arguments, gradient, expected)
    right = {name for name, ours, theirs in zip(NAMES, expected, gradient) if close(theirs, ours)}
    if len(right) == len(NAMES):
        return
    first = next(name for name in RULES if name not in right)
    states = [_said([name for name in NAMES if (name in right) == so], so) for so in (True, False)]
    fails(f"{'; '.join(filter(None, states))}. Going back from the loss, begin with {first}: {RULES[first]}",
          arguments, gradient, expected)


def _said(names, right):
    if not names:
        return ""
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} {'is' if len(names) == 1 else 'are'} {'right' if right else 'wrong'}"


def _inputs(rng):
    one = np.ones((1, 1))
    yield one, np.array([0]), one, np.array([0.5]), np.array([[1.0, -1.0]]), np.zeros(2)
    yield one, np.array([1]), -one, np.array([0.5]), np.array([[1.0, -1.0]]), np.zeros(2)      # the neuron is silent
    yield (np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([0, 1]), np.array([[1.0, -1.0], [1.0, 1.0]]), np.zeros(2),
           np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros(2))                                   # Z1 = 0: on the kinks
    yield one, np.array([1]), one, np.array([0.5]), np.array([[1000.0, -1000.0]]), np.zeros(2)  # logits of 1500
    for n, features, hidden, classes in ((3, 2, 3, 2), (6, 3, 4, 4)):
        X, W1, b1, W2, b2 = (rng.integers(-2, 3, shape) / 2 for shape in (
            (n, features), (features, hidden), hidden, (hidden, classes), classes))
        yield X, rng.integers(0, classes, n), W1, b1 + 0.1, W2, b2                            # Z1 is never near 0
    yield _normal(rng, 1000)
    yield _normal(rng, 1)


def _normal(rng, scale):
    return (rng.normal(size=(12, 3)), rng.integers(0, 3, 12), rng.normal(size=(3, 5)), rng.normal(size=5),
            scale * rng.normal(size=(5, 3)), rng.normal(size=3))


def _of_minigrok(X, y, W1, b1, W2, b2):
    net = MLP([*W1.shape, len(b2)])
    net.theta = np.concatenate([W1.ravel(), b1, W2.ravel(), b2])
    flat = net.loss_and_gradient(X, y)[1]
    shapes = [w.shape for w in (W1, b1, W2, b2)]
    parts = np.split(flat, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes))


def _by_loops(X, y, W1, b1, W2, b2):   # input by input, each element by itself
    gradients = [np.zeros(w.shape) for w in (W1, b1, W2, b2)]
    dW1, db1, dW2, db2 = gradients
    for x, label in zip(X, y):
        z1 = x @ W1 + b1
        a = np.array([max(z, 0.0) for z in z1])
        z2 = a @ W2 + b2
        e = np.exp(z2 - max(z2))
        for k in range(len(b2)):
            dz2 = (e[k] / e.sum() - (k == label)) / len(X)
            db2[k] += dz2
            for j in range(len(b1)):
                dW2[j, k] += a[j] * dz2
                if z1[j] > 0:
                    db1[j] += W2[j, k] * dz2
                    dW1[:, j] += x * W2[j, k] * dz2
    return tuple(gradients)


def _by_einsum(X, y, W1, b1, W2, b2):
    A = (X @ W1 + b1).clip(min=0)
    dZ2 = (softmax(A @ W2 + b2, axis=1) - np.eye(len(b2))[y]) / len(X)
    dZ1 = np.where(A > 0, np.einsum("ik,jk->ij", dZ2, W2), 0)
    return np.einsum("if,ij->fj", X, dZ1), np.ones(len(X)) @ dZ1, np.einsum("ij,ik->jk", A, dZ2), np.ones(len(X)) @ dZ2


def _bias_as_weight(X, y, W1, b1, W2, b2):               # a bias is the weight of an input that is always 1
    X1 = np.column_stack([X, np.ones(len(X))])
    A1 = np.column_stack([np.maximum(X1 @ np.vstack([W1, b1]), 0), np.ones(len(X))])
    dZ2 = (softmax(A1 @ np.vstack([W2, b2]), axis=1) - np.eye(len(b2))[y]) / len(X)
    d2 = A1.T @ dZ2
    d1 = X1.T @ ((dZ2 @ W2.T) * np.sign(A1[:, :-1]))
    return [d1[:-1], d1[-1], d2[:-1], d2[-1]]


def _with(**changes):
    """A backward pass with some steps replaced; each is a function of all that is known so far."""
    steps = {
        "Z1": lambda s: s.X @ s.W1 + s.b1,
        "A": lambda s: np.maximum(s.Z1, 0),
        "Z2": lambda s: s.A @ s.W2 + s.b2,
        "p": lambda s: softmax(s.Z2, axis=1),
        "dZ2": lambda s: (s.p - np.eye(len(s.b2))[s.y]) / len(s.y),
        "dA": lambda s: s.dZ2 @ s.W2.T,
        "dZ1": lambda s: s.dA * (s.Z1 > 0),
        "dW1": lambda s: s.X.T @ s.dZ1,
        "db1": lambda s: s.dZ1.sum(axis=0),
        "dW2": lambda s: s.A.T @ s.dZ2,
        "db2": lambda s: s.dZ2.sum(axis=0),
    } | changes

    def backward(X, y, W1, b1, W2, b2):
        s = SimpleNamespace(X=X, y=y, W1=W1, b1=b1, W2=W2, b2=b2)
        with np.errstate(all="ignore"):                  # whoever makes the mistake sees NumPy's warning, not we
            for name, step in steps.items():
                setattr(s, name, step(s))
        return s.dW1, s.db1, s.dW2, s.db2

    return backward


def _last_layer_first(*arguments):
    dW1, db1, dW2, db2 = _with()(*arguments)
    return dW2, db2, dW1, db1


RIGHT = (_by_loops, _by_einsum, _bias_as_weight, _with(dZ1=lambda s: np.where(s.Z1 > 0, s.dA, 0.0)))
WRONG = {
    "forgets the ReLU on the way back: silent neurons hand on a gradient": _with(dZ1=lambda s: s.dA),
    "multiplies by the activation A where its derivative, 1 or 0, belongs": _with(dZ1=lambda s: s.dA * s.A),
    "asks whether the gradient is above 0, not whether the neuron fired": _with(dZ1=lambda s: np.maximum(s.dA, 0)),
    "takes 1 as the derivative of ReLU at exactly 0": _with(dZ1=lambda s: s.dA * (s.Z1 >= 0)),
    "does not divide by the number of inputs: L is their mean": _with(dZ2=lambda s: s.p - np.eye(len(s.b2))[s.y]),
    "divides the bias gradients by n a second time: a mean, where a sum belongs": _with(
        db1=lambda s: s.dZ1.mean(axis=0), db2=lambda s: s.dZ2.mean(axis=0)),
    "divides the bias gradients alone by n: those of the weights need it as well": _with(
        dZ2=lambda s: s.p - np.eye(len(s.b2))[s.y],
        db1=lambda s: s.dZ1.mean(axis=0), db2=lambda s: s.dZ2.mean(axis=0)),
    "forgets the ReLU on the way back, and takes a mean over inputs for db where a sum belongs": _with(
        dZ1=lambda s: s.dA, db1=lambda s: s.dZ1.mean(axis=0), db2=lambda s: s.dZ2.mean(axis=0)),
    "forgets to take 1 off at the labels: dZ2 is softmax(Z2) - onehot(y), over n": _with(dZ2=lambda s: s.p / len(s.y)),
    "has the sign turned round: it points downhill": _with(dZ2=lambda s: (np.eye(len(s.b2))[s.y] - s.p) / len(s.y)),
    "uses Z1 in dW2, but what went into the second layer is A": _with(dW2=lambda s: s.Z1.T @ s.dZ2),
    "leaves the biases out of the forward pass": _with(Z1=lambda s: s.X @ s.W1, Z2=lambda s: s.A @ s.W2),
    "leaves b1 out of the forward pass": _with(Z1=lambda s: s.X @ s.W1),
    "leaves b2 out of the forward pass": _with(Z2=lambda s: s.A @ s.W2),
    "forgets the ReLU in the forward pass": _with(A=lambda s: s.Z1),
    "puts a ReLU on the logits, too": _with(Z2=lambda s: np.maximum(s.A @ s.W2 + s.b2, 0)),
    "takes the slope of a squared error, without the softmax": _with(
        dZ2=lambda s: 2 * (s.Z2 - np.eye(len(s.b2))[s.y]) / len(s.y)),
    "takes the slope of a squared error, without the softmax, and without its factor 2": _with(
        dZ2=lambda s: (s.Z2 - np.eye(len(s.b2))[s.y]) / len(s.y)),
    "begins at the top as lesson 2 does, with 2 (Z2 - Y) / (n classes): there the loss is a squared error": _with(
        dZ2=lambda s: 2 * (s.Z2 - np.eye(len(s.b2))[s.y]) / s.Z2.size),
    "takes 2 (softmax - onehot) / n, with the 2 of a squared error": _with(
        dZ2=lambda s: 2 * (s.p - np.eye(len(s.b2))[s.y]) / len(s.y)),
    "takes exp of the logits as they are: above 709 it overflows": _with(
        p=lambda s: np.exp(s.Z2) / np.exp(s.Z2).sum(axis=1, keepdims=True)),
    "normalises over the inputs (axis 0), not over the classes": _with(p=lambda s: softmax(s.Z2, axis=0)),
    "does not transpose W2 on the way back: dA = dZ2 W2^T": _with(dA=lambda s: s.dZ2 @ s.W2),
    "multiplies by p (1 - p) as well, which the derivative of the logarithm has cancelled": _with(
        dZ2=lambda s: (s.p - np.eye(len(s.b2))[s.y]) * s.p * (1 - s.p) / len(s.y)),
    "returns the last layer first; the order is dW1, db1, dW2, db2": _last_layer_first,
}
