# %% [markdown]
# # Measure a scikit-learn network on real digits
#
# **Question.** While a network learns to read handwritten digits, does its hidden layer use more modes or fewer, and
# how much of its entropy speaks of the digit?
#
# scikit-learn has no hook for hidden layers, but shows all weights: the activations are relu(X W + b).
#
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
twin = MLPClassifier((64,), learning_rate_init=1e-12, random_state=0)
net = MLPClassifier((64,), random_state=0)


def hidden(model):
    """Activations (inputs, 64) of the test half."""
    return np.maximum(X[test] @ model.coefs_[0] + model.intercepts_[0], 0)


layers, accuracy = {}, {}
for epoch in range(101):
    model = net if epoch else twin
    model.partial_fit(X[train], digit[train], classes=np.arange(10))
    if epoch in (0, 1, 5, 20, 100):
        layers[f"epoch {epoch}"] = hidden(model)
        accuracy[f"epoch {epoch}"] = model.score(X[test], digit[test])
assert accuracy["epoch 100"] > 0.9 > 0.3 > accuracy["epoch 0"]

# %% [markdown]
# ## The numbers, in all conventions
#
# Two digits of 899 are independent draws, so there is a sampling interval; it is about the value corrected for its
# bias, and S of the sample, biased low, may lie outside it. The interval says how another draw of digits would
# look, not how a network with another seed would. chi is the Holevo information about the digit, at most
# ln 10 = 2.303 nats.

# %%
print("convention     epoch      accuracy  S (nats)  95 % interval       P  exp S    chi  chi/S")
numbers, intervals = {}, {}
for convention in CONVENTIONS:
    for name, A in layers.items():
        m = numbers[convention, name] = measure(A, digit[test], conventions=convention)
        S = sampling_error(A, convention)["entropy"]
        intervals[convention, name] = (S.low, S.high)
        print(f"{convention:14} {name:10} {accuracy[name]:8.3f} {m.entropy:9.3f}  {S.low:.3f} .. {S.high:.3f} "
              f"{m.purity:7.3f} {m.effective_rank:6.2f}  {m.holevo_information:.3f} {m.holevo_share:6.2f}")
        assert 0 < m.holevo_information < np.log(10)

# %% [markdown]
# ## More modes or fewer?
#
# It depends on the convention. Before training one mode, the mean, carries most of the trace: all activations are
# positive. Learning takes weight off it, and S goes up with the mean in. With the mean off, S goes down: what
# differs between inputs gathers in fewer modes. Neither is wrong, but "the entropy of the layer goes up" is no
# conclusion without its convention. That chi goes up holds in all four.

# %%
print()
for convention in CONVENTIONS:
    first, last = (numbers[convention, name] for name in ("epoch 0", "epoch 100"))
    print(f"{convention:14} from epoch 0 to 100: S {last.entropy - first.entropy:+.3f}, "
          f"chi {last.holevo_information - first.holevo_information:+.3f}")
    assert (last.entropy > first.entropy) == (convention in ("trace", "rows"))
    assert last.holevo_information > first.holevo_information

# %% [markdown]
# ## Which digits look alike to the layer?
#
# Overlaps of the states of the digits, 1 for the same state, 0 for orthogonal ones. With the mean in, all digits
# share a large mode and overlap strongly; "centered" tells them apart better.

# %%
for name in ("epoch 0", "epoch 100"):
    overlaps = class_overlaps(layers[name], digit[test], "centered")
    a, b = np.unravel_index((overlaps - np.eye(10)).argmax(), (10, 10))
    print(f"\nclass overlaps, centered, {name}; the most alike: {a} and {b}\n{np.round(overlaps, 2)}")
    in_trace = class_overlaps(layers[name], digit[test], "trace")
    off = ~np.eye(10, dtype=bool)
    print(f"mean of different digits: {overlaps[off].mean():.3f}, in the convention trace {in_trace[off].mean():.3f}")
    assert overlaps[off].mean() < in_trace[off].mean()

# %% [markdown]
# ## The figure

# %%
figure = plots.measured_figure(
    layers, "centered", digit[test], [intervals["centered", name] for name in layers])
plots.save_figure(figure, folder / "digits")
print("\nfigure: digits.png and digits.pdf in", folder)
