# %% [markdown]
# # Lesson 2: backpropagation by hand, and how to check it
#
# **Time:** about 125 minutes, exercises included.
#
# **Question.** A gradient is a page of algebra. Which test tells a right page from a wrong one?
#
# **Predict first.** Write down your answers.
#
# 1. A ReLU network learns from a gradient in which one factor was forgotten, the derivative of the ReLU. Does its loss
#    still fall?
# 2. You approximate a derivative by (f(x + h) - f(x - h)) / 2h, in ordinary double precision. Which step comes nearest
#    to the truth: h = 1e-1, 1e-5, 1e-10 or 1e-15?

# %%
import numpy as np

from minigrok import MLP, density_matrix, entropy_gradient, plots, purity, show, tasks, von_neumann_entropy

# %% [markdown]
# ## A derivative from values alone
#
# Take f(x) = ln(1 + e^x): the cross-entropy of two classes, if the logit of the right class is 0 and the other one x.
# Its derivative is known, f'(x) = 1 / (1 + e^-x), so we can see how wrong an approximation is.
#
# - *Forward difference*, (f(x + h) - f(x)) / h. By Taylor's series it errs by h f''/2.
# - *Central difference*, (f(x + h) - f(x - h)) / 2h. The terms in h cancel; it errs by h^2 f'''/6.
# - *Complex step*, the imaginary part of f(x + ih) / h. It errs by h^2 f'''/6 too, and nothing is subtracted.
#
# Smaller is better, then? The computer keeps about 16 digits of f. If h is tiny, the two values share nearly all of
# them. Their difference holds mostly rounding, about 1e-16, and the division by h blows that up to 1e-16 / h.

# %%
def f(x):
    return np.log(1 + np.exp(x))


x = np.linspace(-2, 2, 41)
steps = 10.0 ** (np.arange(-64, 1) / 4)                                     # 1e-16 to 1, four a decade
methods = {"forward difference": lambda h: (f(x + h) - f(x)) / h,
           "central difference": lambda h: (f(x + h) - f(x - h)) / (2 * h),
           "complex step": lambda h: f(x + 1j * h).imag / h}
error = {name: np.array([abs(slope(h) - 1 / (1 + np.exp(-x))).max() for h in steps])
         for name, slope in methods.items()}
best = {name: steps[errors.argmin()] for name, errors in error.items()}
print("largest error      ", *(f"{f'h = 1e{k}':>9}" for k in (-1, -5, -10, -15)), "   least   at h")
for name, errors in error.items():
    print(f"{name:19}", *(f"{errors[4 * (k + 16)]:9.0e}" for k in (-1, -5, -10, -15)),
          f"{errors.min():8.0e}  {best[name]:.0e}")

figure = plots.new_figure(8, 4.5)
ax = figure.subplots()
for i, (name, errors) in enumerate(error.items()):
    ax.loglog(steps, np.maximum(errors, 1e-17), color=plots.COLOURS[i], linestyle=plots.STYLES[i],
              marker=plots.MARKERS[i], markersize=4, label=name)
ax.loglog(steps, 1e-16 / steps, color="grey", linewidth=1, linestyle=":", label="rounding, $10^{-16} / h$")
ax.set(xlabel="step $h$", ylabel="largest error of the slope, 41 points", ylim=(1e-17, 10))
ax.legend(fontsize=8, loc="upper center")
print("picture:", show(figure, "lesson_2_steps"))

# %% [markdown]
# The central difference has its valley near h = 1e-5, where h^2 and 1e-16 / h meet. The complex step has no
# such valley, but it needs a smooth function that takes complex numbers. The ReLU is none.
#
# ## The chain rule on paper
#
# A network with one hidden layer: inputs X (n, features), targets Y (n, classes), 1 at the label and 0 elsewhere. To
# keep the algebra short there are no biases; X has a last column of ones instead.
#
#     Z1 = X W1        A = phi(Z1)        Z2 = A W2        L = mean of (Z2 - Y)^2 over all elements
#
# Write `dQ` for dL/dQ, an array of the shape of Q. What it is *for*: if Q moves by a small q, then L moves by the sum
# of all dQ * q, element by element. That sentence gives each step of the chain, from the top down.
#
# 1. Z2 moves by z: L moves by the sum of 2 (Z2 - Y) * z / (n classes). So **dZ2 = 2 (Z2 - Y) / (n classes)**.
# 2. W2 moves by w, so Z2 by A w, and L by the sum over i, j, k of dZ2_ik A_ij w_jk. What multiplies w_jk is
#    the sum over i of A_ij dZ2_ik. So **dW2 = A^T dZ2**.
# 3. A moves by a, so Z2 by a W2. In the same way **dA = dZ2 W2^T**.
# 4. The activation works on each element alone: Z1 moves by z, A by phi'(Z1) * z. So **dZ1 = dA * phi'(Z1)**.
# 5. One layer down it is step 2 again: **dW1 = X^T dZ1**.
#
# Shapes are a help, since only A^T dZ2 fits W2, but they cannot tell that a factor is missing. Both tanh and ReLU have
# a phi' that can be read off A: 1 - A^2, and 1 where A > 0, else 0.

# %%
PHI = {"ReLU": (lambda Z: np.maximum(Z, 0), lambda A: (A > 0).astype(float)),        # relu'(0) = 0 by convention
       "tanh": (np.tanh, lambda A: 1 - A**2)}                                         # phi, and phi' in terms of A


def matrices(theta):                            # all weights are one flat vector, as in minigrok.MLP
    return theta[:48].reshape(3, 16), theta[48:].reshape(16, 2)


def loss(theta, X, Y, phi):
    W1, W2 = matrices(theta)
    return ((phi(X @ W1) @ W2 - Y) ** 2).mean()


def backward(theta, X, Y, phi, slope):
    W1, W2 = matrices(theta)
    A = phi(X @ W1)                             # (n, hidden)
    dZ2 = 2 * (A @ W2 - Y) / Y.size             # (n, classes)
    dZ1 = (dZ2 @ W2.T) * slope(A)               # (n, hidden)
    return np.concatenate([(X.T @ dZ1).ravel(), (A.T @ dZ2).ravel()])


def problem(seed):
    task, rng = tasks.circles(n=400, seed=seed), np.random.default_rng(seed)
    X, X_test = (np.hstack([points, np.ones((200, 1))]) for points in (task.X_train, task.X_test))
    theta = np.concatenate([rng.normal(0, np.sqrt(2 / 3), 48), rng.normal(0, np.sqrt(2 / 16), 32)])
    return theta, X, np.eye(2)[task.y_train], X_test, task.y_test

# %% [markdown]
# ## A check that means something
#
# Move *all* weights along a random direction v. By the sentence above L has the slope sum(dtheta * v), and two values
# of L give the same number without any algebra. A wrong element of the gradient shows in nearly every direction.
# (Exercise e10 goes element by element instead: slower, but it says which one is wrong.) The *relative error*
# |a - b| / (|a| + |b|), here between the slopes along ten directions, does not depend on the scale of the loss.

# %%
def central_slopes(function, theta, directions, h):
    return np.array([(function(theta + h * v) - function(theta - h * v)) / (2 * h) for v in directions])


def relative_error(a, b):
    return np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b))


theta, X, Y, _, _ = problem(seed=0)
directions = np.random.default_rng(1).normal(size=(10, 80))
phi, slope = PHI["tanh"]
measured = central_slopes(lambda theta: loss(theta, X, Y, phi), theta, directions, 1e-5)
complex_step = np.array([loss(theta + 1e-30j * v, X, Y, phi).imag / 1e-30 for v in directions])
right, forgotten = (directions @ backward(theta, X, Y, phi, derivative) for derivative in (slope, np.ones_like))
print(f"right, held against central differences: {relative_error(right, measured):.0e}")
print(f"right, held against the complex step:    {relative_error(right, complex_step):.0e}")
print(f"phi' forgotten, held against either:     {relative_error(forgotten, measured):.0e}")
net = MLP([3, 16, 2], activation="tanh", loss="squared_error", bias=False)
net.theta = theta
assert np.allclose(net.loss_and_gradient(X, Y.argmax(axis=1))[1], backward(theta, X, Y, phi, slope), rtol=1e-12)

# %% [markdown]
# ## The tempting wrong way: it learns, so it is right
#
# Whoever has written a backward pass starts the training and looks at the loss. Here are 20 networks, each trained
# for 1000 epochs of plain gradient descent, lr 0.1: with the right gradient, and with phi' forgotten.

# %%
def descend(seed, phi, slope, lr=0.1, epochs=1000):
    theta, X, Y, X_test, y_test = problem(seed)
    losses = [loss(theta, X, Y, phi)]
    for _ in range(epochs):
        theta = theta - lr * backward(theta, X, Y, phi, slope)
        losses.append(loss(theta, X, Y, phi))
    W1, W2 = matrices(theta)
    return losses, ((phi(X_test @ W1) @ W2).argmax(axis=1) == y_test).mean()


losses, accuracy = {}, {}
figure = plots.new_figure(9, 4)
for ax, (activation, (phi, slope)) in zip(figure.subplots(1, 2, sharey=True), PHI.items()):
    for k, (kind, derivative) in enumerate({"right": slope, "phi' forgotten": np.ones_like}.items()):
        runs, hits = zip(*(descend(seed, phi, derivative) for seed in range(20)))
        losses[activation, kind], accuracy[activation, kind] = np.array(runs), np.median(hits)
        first, last = np.median(runs, axis=0)[[0, -1]]
        print(f"{activation}, {kind:15} median loss {first:.2f} -> {last:.3f}, test accuracy {np.median(hits):.3f}")
        ax.semilogy(np.transpose(runs), color=plots.COLOURS[k], linewidth=0.4, alpha=0.4)
        ax.semilogy(np.median(runs, axis=0), color=plots.COLOURS[k], linestyle=plots.STYLES[k], linewidth=2.2,
                    label=f"{kind}: test accuracy {np.median(hits):.2f}")
    ax.set(xlabel="epoch", title=activation, xlim=(-10, 1000), ylabel="training loss, 20 seeds; bold: the median")
    ax.legend(fontsize=8, loc="upper right")
print("picture:", show(figure, "lesson_2_wrong_but_it_learns"))

# %% [markdown]
# The wrong gradient learns. dW2 does not contain phi', so it is right, and the wrong dW1 still points roughly downhill.
# Seen alone, the orange curve would be blamed on the learning rate, the seed or the data. **A falling loss is no
# check.** Nor is it one to compare dW2 alone, or to take a tidy example of positive numbers: all hidden neurons fire
# there, so the mask is 1 everywhere. The forgotten mask passes both.

# %%
phi, slope = PHI["ReLU"]
true, false = (backward(theta, X, Y, phi, derivative) for derivative in (slope, np.ones_like))
cosine = true[:48] @ false[:48] / np.linalg.norm(true[:48]) / np.linalg.norm(false[:48])
tidy = [backward(abs(theta), abs(X), Y, phi, derivative) for derivative in (slope, np.ones_like)]
print(f"angle between the right and the wrong dW1: {np.degrees(np.arccos(cosine)):.0f} degrees")
print("the same dW2:", np.array_equal(true[48:], false[48:]), " the same where all fire:", np.array_equal(*tidy))

# %% [markdown]
# ## A check must separate
#
# Another bad habit: take any step, see that even the right gradient misses by some per cent, and raise the tolerance
# until it passes. The left picture shows the right gradient and three wrong ones of the tanh net. In the valley any
# tolerance between 1e-8 and 1e-3 tells them apart. At h = 1 all four look alike, and at h = 1e-15 the right one is as
# bad as the one that forgets an input: there the check measures itself. (The valley has moved to the left of 1e-5: a
# random direction of 80 weights is about 9 long, so a step goes 9 h far.)
#
# ## Kinks
#
# The right picture: the ReLU has a kink at 0. If the Z1 of an input changes its sign between the two ends of the step,
# the central difference mixes two slopes. With random weights this becomes rare as h shrinks. But biases (here the last
# row of W1) often start at 0, as in `MLP`, and an input of zeros, a padded row say, then has Z1 = 0: it sits *on* all
# the kinks. No h cures that; the *right* gradient fails the check. Move all weights a little, and it passes.

# %%
grid = 10.0 ** (np.arange(-30, 1) / 2)


def check(gradient, theta, X, phi):
    return np.array([relative_error(directions @ gradient, central_slopes(lambda theta: loss(theta, X, Y, phi), theta,
                                                                          directions, h)) for h in grid])


phi, slope = PHI["tanh"]
without_last = 199 / 200 * backward(theta, X[:-1], Y[:-1], phi, slope)      # a sum of 199 terms, still divided by 200
candidates = {"right": backward(theta, X, Y, phi, slope),
              "$\\phi'$ forgotten": backward(theta, X, Y, phi, np.ones_like),
              "$1 - A$ for $1 - A^2$": backward(theta, X, Y, phi, lambda A: 1 - A),
              "one of 200 inputs forgotten": without_last}
checked = {name: check(gradient, theta, X, phi) for name, gradient in candidates.items()}

phi, slope = PHI["ReLU"]
no_bias, padded = theta.copy(), X.copy()
no_bias[32:48], padded[0] = 0, (0, 0, 1)                                    # last row of W1; an input at the origin
moved = no_bias + 0.1 * np.random.default_rng(2).normal(size=80)
kinks = {name: check(backward(at, inputs, Y, phi, slope), at, inputs, phi)
         for name, at, inputs in (("right", no_bias, X), ("right, an input of zeros", no_bias, padded),
                                  ("the same, weights moved a little", moved, padded))}

figure = plots.new_figure(10, 4.2)
titles = ("tanh: one right gradient, three wrong", "ReLU: the right gradient and the kinks")
for ax, curves, title in zip(figure.subplots(1, 2, sharey=True), (checked, kinks), titles):
    for i, (name, values) in enumerate(curves.items()):
        ax.loglog(grid, values, color=plots.COLOURS[i], linestyle=plots.STYLES[i], marker=plots.MARKERS[i],
                  markersize=4, label=name)
    ax.set(xlabel="step $h$", ylabel="relative error of the check", title=title, ylim=(1e-12, 300))
    ax.legend(fontsize=8, loc="upper center", ncols=2)
print("picture:", show(figure, "lesson_2_a_check_must_separate"))

# %% [markdown]
# ## The gradient of a state
#
# The same sentence serves the quantities of lesson 1. How does the purity P = tr(rho^2) change with the activations,
# where rho = G / t, G = A^T A and t = tr G? Let A move by a:
#
# - G moves by a^T A + A^T a, and t by the sum of 2 A * a;
# - rho moves by r = (move of G) / t - rho (move of t) / t. Its trace is 0, since that of rho stays 1;
# - P moves by 2 tr(rho r) = (4/t) [sum of (A rho) * a - P times sum of A * a], since rho is symmetric.
#
# What multiplies a is the gradient: **dP/dA = (4/t) (A rho - P A)**.
#
# For the **entropy** S = -tr(rho ln rho) the way is the same, and yours (exercise e11). Three questions lead along it:
#
# 1. By the product rule S moves by -tr(r ln rho) - tr(rho times the move of ln rho). Look at the second term in the
#    eigenbasis, where ln p_i moves by (move of p_i) / p_i. What is it, if the sum of the p_i stays 1?
# 2. Put in the r above. Which number now stands where P stood?
# 3. If an eigenvalue is 0, its logarithm is infinite. What does A do to that eigenvector?
#
# Even without the formula you know what it must fulfil. To scale A changes nothing, so the gradient is *orthogonal to
# A*. At the maximally mixed state S is greatest, so it is *zero*. And central differences must agree.

# %%
def purity_gradient(A):
    rho, t = density_matrix(A), (A**2).sum()
    return 4 / t * (A @ rho - purity(rho) * A)


rng = np.random.default_rng(3)
A = rng.normal(size=(30, 2)) @ np.array([[1.0, 0.6], [0.0, 0.5]])
a = rng.normal(size=(5, 30, 2))
for name, functional, gradient in (("P", purity, purity_gradient(A)),
                                   ("S", von_neumann_entropy, entropy_gradient(A))):
    numbers = central_slopes(lambda A: functional(density_matrix(A)), A, a, 1e-5)  # noqa: B023
    disagreement, overlap = relative_error(numbers, (a * gradient).sum(axis=(1, 2))), (A * gradient).sum()
    print(f"d{name}/dA: relative error {disagreement:.0e}, overlap with A {overlap:.0e}")
    assert disagreement < 1e-8
    assert abs(overlap) < 1e-12

mixed = A.copy()
for _ in range(200):                                                        # small steps against dP/dA
    mixed = mixed - 0.01 * (mixed**2).sum() * purity_gradient(mixed)
figure = plots.new_figure(10, 4)
for ax, points, name in zip(figure.subplots(1, 2), (A, mixed), ("before", "200 steps later")):
    rho = density_matrix(points)
    ax.quiver(*points.T, *-purity_gradient(points).T, color=plots.BLUE, angles="xy", scale_units="xy", scale=0.05,
              width=0.004)
    ax.plot(*points.T, linestyle="none", marker="o", markersize=4, color=plots.BLACK)
    ax.set(title=f"{name}: P = {purity(rho):.3f}, S = {von_neumann_entropy(rho):.3f} nats", aspect="equal",
           xlabel="activation of neuron 1", ylabel="activation of neuron 2", xlim=(-3.2, 3.2), ylim=(-2.4, 2.4))
print("picture:", show(figure, "lesson_2_gradient_of_a_state"))

# %% [markdown]
# A point is an input, an arrow its share of -dP/dA. The cloud is long in one direction: that mode holds most of the
# trace. The arrows shorten it there and stretch it across. When both modes weigh the same, P = 1/2, S = ln 2, they end.
#
# ## Your prediction
#
# 1. The loss falls without the mask too, in each of 20 seeds, and the median ReLU net even classifies well. The right
#    gradient does better, but to see that you need the right one.
# 2. h = 1e-5. At 1e-1 the curve bends; at 1e-10 and 1e-15 rounding has eaten the digits.
#
# What a check needs: random weights and inputs, all parameters, central differences with h in the valley, a relative
# error, no tie at a kink, and a wrong gradient that you have seen it refuse.

# %%
assert 1e-6 <= best["central difference"] <= 1e-4
assert error["complex step"].min() < 1e-15 < error["central difference"].min() < error["forward difference"].min()
assert relative_error(right, complex_step) < 1e-13 < relative_error(right, measured) < 1e-8
assert all((runs[:, -1] < runs[:, 0]).all() for runs in losses.values())
assert accuracy["ReLU", "phi' forgotten"] > 0.9
for name in PHI:
    assert np.median(losses[name, "right"][:, -1]) < np.median(losses[name, "phi' forgotten"][:, -1])
assert 0.1 < cosine < 0.99
assert np.array_equal(true[48:], false[48:])
assert np.array_equal(*tidy)
assert checked["right"][18] < 1e-8                                          # grid[18] is h = 1e-6
assert all(values[18] > 1e-3 for name, values in checked.items() if name != "right")
assert max(values[-1] for values in checked.values()) < 1.2 * checked["right"][-1]
assert checked["right"][0] > 0.5 * checked["one of 200 inputs forgotten"][0]
assert kinks["right, an input of zeros"].min() > 1e-3
assert max(kinks["right"][18], kinks["the same, weights moved a little"][18]) < 1e-8
assert np.isclose(von_neumann_entropy(density_matrix(mixed)), np.log(2))

# %% [markdown]
# ## Exercises
#
# Together they are a network with its gradient, and the tool that proves it.
#
# - `e06_layer`: the forward pass of one layer, ReLU(X W + b).
# - `e07_cross_entropy`: the loss of logits and labels, also for logits of 1000.
# - `e08_logit_gradient`: its derivative by the logits, the top of every backward pass.
# - `e09_backward` (larger): all gradients of a net with biases, one ReLU layer and cross-entropy.
# - `e10_numerical_gradient`: central differences, element by element.
# - `e11_entropy_gradient` (larger): dS/dA, from your own derivation.
#
# `minigrok course check e06_layer` marks one of them, in the folder that `minigrok course start` made.
#
# To explore, by changing this lesson's code:
#
# 1. Put `tasks.xor` for `tasks.circles` in `problem`. Does the test accuracy still tell that phi' was forgotten?
# 2. Forget another factor in `backward`, such as the 2. Does the loss still fall? The check then gives a relative error
#    of 1/3: why just that? And what does it give for a wrong sign?
# 3. Make theta, X, Y, `directions` and `grid` float32, where rounding is about 1e-7; if one of them stays float64, so
#    does the result. Where does the valley go, and how deep is it?
