# %% [markdown]
# # Measure a scikit-learn network on real digits
#
# **Question.** While a network learns to read handwritten digits, does its hidden layer use more modes or fewer, and
# how much of its entropy speaks of the digit?
#
# scikit-learn has no hook for hidden layers, but shows all weights: the activations are relu(X W + b).
# Run `python measure_sklearn_digits.py FOLDER` to keep the figure in FOLDER.

# %%
import sys
import tempfile
from pathlib import Path

import numpy as np

from minigrok import CONVENTIONS, class_overlaps, measure, plots, sampling_error

try:
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier
except ImportError:
    raise SystemExit("this example needs scikit-learn: pip install scikit-learn") from None

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="minigrok_"))
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Train one half, look at the other
#
# Each `partial_fit` goes once through the training half. scikit-learn makes the weights in the first call, so the
# layer before training is that of a twin: the same seed, hence the same weights, and a step too small to move them.

# %%
X, digit = load_digits(return_X_y=True)
X, order = X / 16, np.random.default_rng(0).permutation(len(X))
train, test = order[:len(X) // 2], order[len(X) // 2:]


def learn(seed, epochs):
    """Hidden activations (inputs, 64) of the test half, and accuracy, at each of `epochs`, the first of them 0."""
    twin = MLPClassifier((64,), learning_rate_init=1e-12, random_state=seed)
    net = MLPClassifier((64,), random_state=seed)
    for epoch in range(epochs[-1] + 1):
        model = net if epoch else twin
        model.partial_fit(X[train], digit[train], classes=np.arange(10))
        if epoch in epochs:
            hidden = np.maximum(X[test] @ model.coefs_[0] + model.intercepts_[0], 0)
            yield f"epoch {epoch}", hidden, model.score(X[test], digit[test])


# %% [markdown]
# ## The numbers, in all conventions
#
# S and P are those of the sample. The interval is about the value corrected for its bias. It says how another draw
# of digits would look, not how a network with another seed would. chi is the Holevo information about the digit, at
# most ln 10 = 2.303 nats.

# %%
layers, intervals = {}, []
print("epoch      accuracy  convention      S (nats)  95 % interval       P  exp S    chi  chi/S")
for name, A, accuracy in learn(0, (0, 1, 5, 20, 100)):
    layers[name] = A
    for convention, m in measure(A, digit[test], conventions="all").items():
        S = sampling_error(A, convention, resamples=200)["entropy"]
        if convention == "centered":
            intervals.append((S.low, S.high))
        print(f"{name:10} {accuracy:8.3f}  {convention:14} {m.entropy:9.3f}  {S.low:.3f} .. {S.high:.3f} "
              f"{m.purity:7.3f} {m.effective_rank:6.2f}  {m.holevo_information:.3f} {m.holevo_share:6.2f}")
assert accuracy > 0.9

# %% [markdown]
# ## More modes or fewer?
#
# For this network it depends on the convention: S goes up in "trace" and "rows", where the mean is one large mode
# that loses weight, and down in the two that take the mean off. The intervals before and after are far apart. Would
# you publish it? Look at four more seeds first.

# %%
print("\nfrom epoch 0 to 100         " + "".join(f"{convention:>15}" for convention in CONVENTIONS))
for seed in range(5):
    (_, first, _), (_, last, _) = learn(seed, (0, 100))
    before, after = (measure(A, digit[test], conventions="all") for A in (first, last))
    for what in ("entropy", "holevo_information"):
        change = {name: getattr(after[name], what) - getattr(m, what) for name, m in before.items()}
        print(f"seed {seed}  {what:20}" + "".join(f"{value:+15.3f}" for value in change.values()))
        if what == "entropy":
            assert max(change["centered"], change["centered_rows"]) < 0
        else:
            assert min(change.values()) > 0

# %% [markdown]
# With the mean in, the direction of S is not even the same for all seeds: an interval from sampled inputs knows
# nothing of seeds. What all five networks share is that S goes down once the mean is off (what differs between
# inputs gathers in fewer modes), and that chi goes up in all four conventions.
#
# ## Which digits look alike to the layer?
#
# Overlaps of the states of the digits after training: 1 for the same state, 0 for orthogonal ones. With the mean in
# ("trace") all digits share a large mode and overlap more. But beware of reading an overlap as confusion: a state
# cannot tell a from -a, so two digits on opposite sides of the mean overlap, too. The cosine between the mean
# activations of the two, with the mean of all taken off, says which it is.

# %%
off = ~np.eye(10, dtype=bool)
overlaps, in_trace = (class_overlaps(layers["epoch 100"], digit[test], name) for name in ("centered", "trace"))
print("\nclass overlaps, centered, epoch 100\n" + np.array2string(overlaps, precision=2, suppress_small=True))
a, b = np.unravel_index((overlaps * off).argmax(), (10, 10))
print(f"mean of different digits {overlaps[off].mean():.3f}, in trace {in_trace[off].mean():.3f}")
A = layers["epoch 100"] - layers["epoch 100"].mean(axis=0)
mean_a, mean_b = A[digit[test] == a].mean(axis=0), A[digit[test] == b].mean(axis=0)
cosine = mean_a @ mean_b / np.linalg.norm(mean_a) / np.linalg.norm(mean_b)
print(f"largest overlap: {a} and {b}, on {'opposite sides' if cosine < 0 else 'one side'} of the mean, "
      f"cosine {cosine:+.2f}")
assert overlaps[off].mean() < in_trace[off].mean()

plots.save_figure(plots.measured_figure(layers, "centered", digit[test], intervals), folder / "digits")
print("\nfigure: digits.png and digits.pdf in", folder)
