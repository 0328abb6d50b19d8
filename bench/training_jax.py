"""JAX's contestants of bench_training.py, as training_peers.py says: everything between two records is one jitted call.

What was tried for the grokking net, and lost: jax.grad of the same forward pass (up to 5 % slower), the gradient of W1
as a product with one-hot rows, as a sum over the grid of all pairs, or as a sorted segmented sum.

For the small net the orders of the batches cost more than the training when they are drawn within, by sorting random
numbers; and products of such small matrices are faster as sums of products, unless many runs are stacked.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from training_peers import CHECKED_EPOCHS, TEMPERATURE, orders, small_loss

jax.config.update("jax_enable_x64", True)
UNROLL = 4                     # steps of the small net; 1 to 31 were tried


def gather(problem):
    """W1[a] + W1[p + b], the gradient by hand, `record_every` epochs a call; the first epoch's outputs are recorded."""
    forward, loss_and_dZ, backward = grokking_net(problem)
    train = (problem.pairs_train[:, 0], problem.p + problem.pairs_train[:, 1], problem.y_train)
    test = (problem.pairs_test[:, 0], problem.p + problem.pairs_test[:, 1], problem.y_test)

    def step(carry, outputs):
        theta, m, v, t = carry
        G, H, Z = outputs
        _, dZ = loss_and_dZ(Z, train[2])
        gradient = backward(theta, train, G, H, dZ)
        return (*adamw(problem, theta, gradient, m, v, t + 1), t + 1)

    def record(theta, outputs):
        _, H, Z = outputs
        _, _, Z_test = forward(theta, test)
        G = H.T @ H
        p = jnp.linalg.eigvalsh(G / jnp.trace(G)).clip(TEMPERATURE)
        return jnp.stack([loss_and_dZ(Z, train[2])[0], loss_and_dZ(Z_test, test[2])[0],
                          (Z.argmax(1) == train[2]).mean(dtype=float), (Z_test.argmax(1) == test[2]).mean(dtype=float),
                          -(p * jnp.log(p)).sum(), (p**2).sum()])

    @jax.jit
    def chunk(carry):
        outputs = forward(carry[0], train)
        rest = lax.fori_loop(1, problem.record_every, lambda _, c: step(c, forward(c[0], train)), step(carry, outputs))
        return rest, record(carry[0], outputs)

    last = jax.jit(lambda theta: record(theta, forward(theta, train)))

    def work(epochs):
        theta = (jnp.asarray(problem.W1), jnp.asarray(problem.W2))
        zeros, found = jax.tree.map(jnp.zeros_like, theta), []
        carry = (theta, zeros, zeros, jnp.zeros((), problem.W1.dtype))
        for _ in range(epochs // problem.record_every):
            carry, row = chunk(carry)
            found.append(row.tolist())
        return [*found, last(carry[0]).tolist()]

    return work, lambda: work(problem.epochs)


def grokking_net(problem):
    """forward(theta, part) -> G, H, Z; loss_and_dZ(Z, y); backward -> dW1, dW2."""
    quadratic, p = problem.activation == "quadratic", problem.p

    def forward(theta, part):
        G = theta[0][part[0]] + theta[0][part[1]]        # (n, d)
        H = G * G if quadratic else jnp.maximum(G, 0)
        return G, H, H @ theta[1]

    def cross_entropy(Z, y):
        shifted = Z - Z.max(axis=1, keepdims=True)
        E = jnp.exp(shifted)
        total = E.sum(axis=1, keepdims=True)
        loss = (jnp.log(total[:, 0]) - shifted[jnp.arange(len(y)), y]).mean()
        return loss, (E / total - jax.nn.one_hot(y, p, dtype=Z.dtype)) / len(y)

    def squared_error(Z, y):
        R = Z - jax.nn.one_hot(y, p, dtype=Z.dtype)
        return (R * R).mean(), R * (2 / R.size)

    def backward(theta, part, G, H, dZ):
        dW2 = (dZ.T @ H).T                               # faster than H.T @ dZ
        dG = dZ @ theta[1].T * (2 * G if quadratic else G > 0)
        return jnp.zeros_like(theta[0]).at[part[0]].add(dG).at[part[1]].add(dG), dW2

    return forward, squared_error if problem.loss == "squared_error" else cross_entropy, backward


def adamw(problem, theta, gradient, m, v, t):
    """theta, m and v after one step."""
    b1, b2 = problem.betas
    m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, gradient)
    v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, gradient)
    c1, c2, decay = 1 - b1**t, 1 - b2**t, 1 - problem.lr * problem.weight_decay
    theta = jax.tree.map(lambda w, m, v: decay * w - problem.lr * (m / c1) / (jnp.sqrt(v / c2) + problem.eps),
                         theta, m, v)
    return theta, m, v


def loss_of_products(theta, X, y):
    """Cross-entropy of the small net, its layers as matrix products."""
    W1, b1, W2, b2 = theta
    Z = jnp.maximum(X @ W1 + b1, 0) @ W2 + b2
    return -jnp.take_along_axis(jax.nn.log_softmax(Z), y[:, None], axis=1).mean()


def loss_of_sums(theta, X, y):
    """The same, its layers as sums of products."""
    W1, b1, W2, b2 = theta
    A = jnp.maximum((X[:, :, None] * W1).sum(1) + b1, 0)
    Z = (A[:, :, None] * W2).sum(1) + b2
    return -(jax.nn.log_softmax(Z) * jax.nn.one_hot(y, 2, dtype=Z.dtype)).sum(1).mean()


def one_run(problem, loss, unroll):
    """run(theta, orders): whole batches of an epoch in a scan, then what is left."""
    X, y, size = jnp.asarray(problem.X), jnp.asarray(problem.y), problem.batch_size
    whole = len(problem.y) // size

    def step(theta, batch):
        gradient = jax.grad(loss)(theta, X[batch], y[batch])
        return jax.tree.map(lambda w, g: w - problem.lr * g, theta, gradient), None

    def epoch(theta, order):
        theta, _ = lax.scan(step, theta, order[: whole * size].reshape(whole, size), unroll=unroll)
        return step(theta, order[whole * size :]) if whole * size < len(order) else (theta, None)

    return lambda theta, orders: lax.scan(epoch, theta, orders)[0]


def small(problem, loss=loss_of_products, unroll=1, within=True, runs=1, by_hand=None):
    """The small classifier: one run, or many in a vmap; orders drawn `within` the jitted run, or by NumPy."""
    run = one_run(problem, loss, unroll)
    many = runs > 1
    starts = tuple(jnp.asarray(a if many else a[0]) for a in (problem.W1, problem.b1, problem.W2, problem.b2))
    given = jax.jit(by_hand or (jax.vmap(run, in_axes=(0, 1)) if many else run))

    @partial(jax.jit, static_argnums=2)
    def drawing(theta, key, epochs):
        def one(theta, key):
            keys = jax.random.split(key, epochs)
            return run(theta, jax.vmap(lambda key: jax.random.permutation(key, len(problem.y)))(keys))

        return jax.vmap(one)(theta, jax.random.split(key, runs)) if many else one(theta, key)

    def drawn(epochs):
        all_orders = np.empty((epochs, runs, len(problem.y)), np.int32)
        for seed in range(runs):
            all_orders[:, seed] = orders(problem, seed, epochs)
        return given(starts, jnp.asarray(all_orders if many else all_orders[:, 0]))

    def check():
        thetas = drawn(CHECKED_EPOCHS)
        return [small_loss(problem, *map(np.asarray, theta)) for theta in (zip(*thetas) if many else [thetas])]

    def work(epochs):
        jax.block_until_ready(drawing(starts, jax.random.key(0), epochs) if within else drawn(epochs))

    return work, check


def small_tuned(problem):
    """The fastest form of one run that was found."""
    return small(problem, loss_of_sums, UNROLL, within=False)


def many(problem):
    """vmap over the seeds of the plain run."""
    return small(problem, runs=problem.runs)


def many_tuned(problem):
    """vmap over the seeds, given their orders."""
    return small(problem, within=False, runs=problem.runs)


def many_by_hand(problem):
    """The fastest form of many runs that was found: seeds in the last axis, so that every operation runs over them."""
    X, y, size = jnp.asarray(problem.X.T), jnp.asarray(problem.y, float), problem.batch_size
    whole, lr = len(problem.y) // size, problem.lr

    def step(theta, x, y):                               # x (2, batch, seeds), y (batch, seeds)
        W1, b1, W2, b2 = theta                           # (2, 6, seeds), (6, seeds), (6, 2, seeds), (2, seeds)
        w = W2[:, 1] - W2[:, 0]                          # of two classes only the difference counts
        A = jnp.maximum(W1[0][:, None] * x[0] + W1[1][:, None] * x[1] + b1[:, None], 0)     # (6, batch, seeds)
        dz = (jax.nn.sigmoid((w[:, None] * A).sum(0) + b2[1] - b2[0]) - y) * (lr / len(y))
        dA = w[:, None] * dz * (A > 0)
        dw, db = (A * dz).sum(1), dz.sum(0)
        return (W1 - jnp.stack([(dA * x[0]).sum(1), (dA * x[1]).sum(1)]), b1 - dA.sum(1),
                W2 - jnp.stack([-dw, dw], axis=1), b2 - jnp.stack([-db, db]))

    def epoch(theta, order):                             # order (seeds, n)
        x, t = X[:, order.T], y[order.T]

        def batch(theta, start):
            return step(theta, lax.dynamic_slice_in_dim(x, start, size, 1),
                        lax.dynamic_slice_in_dim(t, start, size, 0)), None

        theta, _ = lax.scan(batch, theta, jnp.arange(whole) * size)
        return step(theta, x[:, whole * size :], t[whole * size :]), None

    def run(thetas, orders):                             # orders (epochs, seeds, n)
        last = tuple(jnp.moveaxis(theta, 0, -1) for theta in thetas)
        return tuple(jnp.moveaxis(theta, -1, 0) for theta in lax.scan(epoch, last, orders)[0])

    return small(problem, within=False, runs=problem.runs, by_hand=run)
