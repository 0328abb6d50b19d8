"""PyTorch's contestants of bench_training.py, as training_peers.py says: its own layers, losses and optimizers."""

import numpy as np
import torch
from torch.nn import functional
from training_peers import CHECKED_EPOCHS, TEMPERATURE, dense_rows, orders, small_loss

torch.set_num_threads(1)


class Net(torch.nn.Module):
    """Two layers without biases; the first is nn.Linear on two-hot rows, or nn.EmbeddingBag on pairs (a, p + b)."""

    def __init__(self, problem, bag):
        super().__init__()
        W1, W2 = torch.tensor(problem.W1), torch.tensor(problem.W2)
        self.quadratic = problem.activation == "quadratic"
        if bag:
            self.first = torch.nn.EmbeddingBag.from_pretrained(W1, freeze=False, mode="sum")
        else:
            self.first = torch.nn.Linear(*W1.shape, bias=False, dtype=W1.dtype)
            self.first.weight.data = W1.T.contiguous()
        self.second = torch.nn.Linear(*W2.shape, bias=False, dtype=W2.dtype)
        self.second.weight.data = W2.T.contiguous()

    def forward(self, X):
        """The hidden layer, and the outputs."""
        A = self.first(X)
        A = A * A if self.quadratic else functional.relu(A)
        return A, self.second(A)


def dense(problem, bag=False):
    """nn.Linear on two-hot rows."""
    def rows(pairs):
        if bag:
            return torch.tensor(pairs + np.array([0, problem.p]))
        return torch.tensor(dense_rows(pairs, problem.p, problem.W1.dtype))

    X, X_test = rows(problem.pairs_train), rows(problem.pairs_test)
    y, y_test = torch.tensor(problem.y_train), torch.tensor(problem.y_test)
    targets = {True: (y, y_test), False: [functional.one_hot(labels, problem.p).to(torch.tensor(problem.W1).dtype)
                                          for labels in (y, y_test)]}[problem.loss == "cross_entropy"]
    loss_of = functional.cross_entropy if problem.loss == "cross_entropy" else functional.mse_loss

    @torch.no_grad()
    def record(net, A, Z, loss):
        _, Z_test = net(X_test)
        accuracies = (Z.argmax(1) == y).double().mean(), (Z_test.argmax(1) == y_test).double().mean()
        G = A.T @ A
        spectrum = torch.linalg.eigvalsh(G / torch.trace(G)).clamp(TEMPERATURE)
        numbers = (loss, loss_of(Z_test, targets[1]), *accuracies,
                   torch.special.entr(spectrum).sum(), (spectrum**2).sum())
        return [number.item() for number in numbers]

    def work(epochs):
        net, found = Net(problem, bag), []
        optimizer = torch.optim.AdamW(net.parameters(), problem.lr, betas=tuple(problem.betas), eps=problem.eps,
                                      weight_decay=problem.weight_decay, fused=bag or None)
        for epoch in range(epochs + 1):
            A, Z = net(X)
            loss = loss_of(Z, targets[0])
            if epoch % problem.record_every == 0 or epoch == epochs:
                found.append(record(net, A, Z, loss))
            if epoch < epochs:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return found

    return work, lambda: work(problem.epochs)


def bag(problem):
    """nn.EmbeddingBag on pairs, which sums two rows of W1, and the fused AdamW."""
    return dense(problem, bag=True)


def small(problem):
    """The small classifier, batch after batch."""
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def run(orders):
        net = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.ReLU(), torch.nn.Linear(6, 2)).double()
        start = (problem.W1[0].T, problem.b1[0], problem.W2[0].T, problem.b2[0])
        for parameter, values in zip(net.parameters(), start):
            parameter.data = torch.tensor(values)
        optimizer = torch.optim.SGD(net.parameters(), problem.lr)
        for order in orders:
            for batch in order.split(problem.batch_size):
                optimizer.zero_grad()
                functional.cross_entropy(net(X[batch]), y[batch]).backward()
                optimizer.step()
        W1, b1, W2, b2 = (parameter.detach().numpy() for parameter in net.parameters())
        return W1.T, b1, W2.T, b2

    return (lambda epochs: run(torch.randperm(len(y)) for _ in range(epochs)),
            lambda: [small_loss(problem, *run(torch.tensor(orders(problem, 0, CHECKED_EPOCHS))))])


def many(problem):
    """64 small classifiers at once: vmap of the gradient, every seed with batches of its own."""
    X, y, n = torch.tensor(problem.X), torch.tensor(problem.y), len(problem.y)
    starts = [torch.tensor(array) for array in (problem.W1, problem.b1, problem.W2, problem.b2)]

    def loss(theta, X, y):
        W1, b1, W2, b2 = theta
        return functional.cross_entropy(functional.relu(X @ W1 + b1) @ W2 + b2, y)

    gradients = torch.func.vmap(torch.func.grad(loss))

    def run(orders):
        thetas = [start.clone() for start in starts]
        for order in orders:                             # (seeds, n)
            for batch in order.split(problem.batch_size, dim=1):
                torch._foreach_add_(thetas, gradients(tuple(thetas), X[batch], y[batch]), alpha=-problem.lr)
        return [theta.numpy() for theta in thetas]

    def check():
        all_orders = np.stack([orders(problem, seed, CHECKED_EPOCHS) for seed in range(problem.runs)], axis=1)
        thetas = run(torch.tensor(all_orders))
        return [small_loss(problem, *theta) for theta in zip(*thetas)]

    return lambda epochs: run(torch.rand(problem.runs, n).argsort(1) for _ in range(epochs)), check
