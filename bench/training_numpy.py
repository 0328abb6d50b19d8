"""NumPy's contestants of bench_training.py: the same training without a framework, as training_peers.py says.

The pass backward through softmax and cross-entropy, or squared error, with H = phi(G), G = W1[a] + W1[p + b], Z = H W2:

    dZ = (softmax(Z) - onehot(y)) / n     or     2 (Z - onehot(y)) / (n p)
    dW2 = H^T dZ,    dG = (dZ W2^T) * phi'(G),    dW1 = X^T dG

Large arrays are made once and written into, which is worth a quarter of the time.
"""

from types import SimpleNamespace

import numpy as np
from scipy.sparse import csr_array
from training_peers import CHECKED_EPOCHS, TEMPERATURE, dense_rows, orders, small_loss


def dense(problem, rows=dense_rows):
    """X as rows of zeros and two ones, and products with it."""
    d, p, dtype = problem.d, problem.p, problem.W1.dtype
    parts = [part(rows(pairs, p, dtype), y, d, p)
             for pairs, y in ((problem.pairs_train, problem.y_train), (problem.pairs_test, problem.y_test))]
    XT, quadratic, dH = parts[0].X.T, problem.activation == "quadratic", np.empty((len(problem.y_train), d), dtype)
    XT = XT if rows is dense_rows else csr_array(XT)
    start = np.concatenate([problem.W1.ravel(), problem.W2.ravel()])
    theta, gradient = np.empty_like(start), np.empty_like(start)
    W1, W2 = theta[: 2 * p * d].reshape(2 * p, d), theta[2 * p * d :].reshape(d, p)
    dW1, dW2 = gradient[: 2 * p * d].reshape(2 * p, d), gradient[2 * p * d :].reshape(d, p)

    def forward(part):
        G = np.matmul(part.X, W1, out=part.G) if rows is dense_rows else part.X @ W1
        H = np.multiply(G, G, out=part.H) if quadratic else np.maximum(G, 0, out=part.H)
        return G, H, np.matmul(H, W2, out=part.Z)

    def backward(G, H, dZ):
        np.matmul(H.T, dZ, out=dW2)
        np.matmul(dZ, W2.T, out=dH)
        np.multiply(dH, 2 * G if quadratic else G > 0, out=dH)
        dW1[...] = XT @ dH                               # the result is small

    return training(problem, theta, gradient, start, parts, forward, backward)


def gather(problem):
    """X as compressed rows: scipy's product with it is a gather, with its transpose a segmented sum."""
    return dense(problem, lambda *task: csr_array(dense_rows(*task)))


def part(X, y, d, p):
    """Train or test set, with arrays to write into."""
    G, H, Z = (np.empty((len(y), width), X.dtype) for width in (d, d, p))
    return SimpleNamespace(X=X, y=y, G=G, H=H, Z=Z)


def training(problem, theta, gradient, start, parts, forward, backward):
    """The loop around `forward` and `backward`, with the records."""
    loss_of = squared_error if problem.loss == "squared_error" else cross_entropy
    train, test = parts

    def record(H, right, loss):
        _, _, Z = forward(test)
        right_in_test = (Z.argmax(axis=1) == test.y).mean()
        return [float(number) for number in (loss, loss_of(Z, test.y), right, right_in_test, *state(H))]

    def work(epochs):
        theta[:], moments, found = start, (np.zeros_like(theta), np.zeros_like(theta)), []
        for epoch in range(epochs + 1):
            due = epoch % problem.record_every == 0 or epoch == epochs
            G, H, Z = forward(train)
            right = (Z.argmax(axis=1) == train.y).mean() if due else None
            loss = loss_of(Z, train.y)                  # Z is dZ now
            if due:
                found.append(record(H, right, loss))
            if epoch < epochs:
                backward(G, H, Z)
                adamw(problem, theta, gradient, *moments, epoch + 1)
        return found

    return work, lambda: work(problem.epochs)


def cross_entropy(Z, y):
    """The loss; Z becomes its derivative, (softmax(Z) - onehot(y)) / n."""
    rows = np.arange(len(y))
    Z -= Z.max(axis=1, keepdims=True)
    chosen = Z[rows, y]
    np.exp(Z, out=Z)
    total = Z.sum(axis=1, keepdims=True)
    Z /= total * len(y)
    Z[rows, y] -= 1 / len(y)
    return (np.log(total[:, 0]) - chosen).mean()


def squared_error(Z, y):
    """The loss; Z becomes its derivative, 2 (Z - onehot(y)) / (n p)."""
    Z[np.arange(len(y)), y] -= 1
    loss = np.vdot(Z, Z) / Z.size
    Z *= 2 / Z.size
    return loss


def adamw(problem, theta, g, m, v, t):
    """One step, in place."""
    b1, b2 = problem.betas
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * g * g
    theta *= 1 - problem.lr * problem.weight_decay
    theta -= problem.lr / (1 - b1**t) * m / (np.sqrt(v / (1 - b2**t)) + problem.eps)


def state(A):
    """S and P of a layer."""
    G = A.T @ A
    spectrum = np.linalg.eigvalsh(G / np.trace(G)).clip(TEMPERATURE)
    return -(spectrum * np.log(spectrum)).sum(), (spectrum**2).sum()


def products(problem):
    """The three products of an epoch that no implementation can leave out, at these shapes, into ready arrays."""
    n, d, p, dtype = len(problem.y_train), problem.d, problem.p, problem.W1.dtype
    rng = np.random.default_rng(0)
    H, dZ = rng.random((n, d)).astype(dtype), (rng.random((n, p)) / n).astype(dtype)
    Z, dH, dW2 = np.empty((n, p), dtype), np.empty((n, d), dtype), np.empty((d, p), dtype)

    def work(epochs):
        for _ in range(epochs):
            np.matmul(H, problem.W2, out=Z)
            np.matmul(H.T, dZ, out=dW2)
            np.matmul(dZ, problem.W2.T, out=dH)

    return work, lambda: None


def small(problem):
    """The small classifier, gradient by hand."""
    X, y, size, lr = problem.X, problem.y, problem.batch_size, problem.lr

    def run(orders):
        W1, b1, W2, b2 = (array[0].copy() for array in (problem.W1, problem.b1, problem.W2, problem.b2))
        for order in orders:
            for i in range(0, len(order), size):
                batch = order[i : i + size]
                A_in, labels = X[batch], y[batch]
                A = np.maximum(A_in @ W1 + b1, 0)
                Z = A @ W2 + b2
                dZ = np.exp(Z - Z.max(axis=1, keepdims=True))
                dZ /= dZ.sum(axis=1, keepdims=True)
                dZ[np.arange(len(labels)), labels] -= 1
                dZ *= lr / len(labels)
                dA = (dZ @ W2.T) * (A > 0)
                W2 -= A.T @ dZ
                b2 -= dZ.sum(axis=0)
                W1 -= A_in.T @ dA
                b1 -= dA.sum(axis=0)
        return W1, b1, W2, b2

    return (lambda epochs: run(orders(problem, 0, epochs)),
            lambda: [small_loss(problem, *run(orders(problem, 0, CHECKED_EPOCHS)))])
