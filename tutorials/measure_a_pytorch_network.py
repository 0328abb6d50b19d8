# %% [markdown]
# # Measure a PyTorch network
#
# **Question.** A small convolutional network learns to tell pictures apart. How many modes does each of its hidden
# layers use, before, while and after it learns?
#
# The pattern is the same for any network: a forward hook keeps a layer's activations, `measure` takes the tensor as
# it is. Three things need care: a convolution has places as well as inputs, a sample has an error, and the state
# has a convention.
#
# Run `python measure_a_pytorch_network.py FOLDER` to keep the activations and the figure in FOLDER.

# %%
import sys
import tempfile
from pathlib import Path

import numpy as np

from minigrok import as_matrix, groups_of_places, measure, sampling_error
from minigrok.cli import main

try:
    import torch
except ImportError:
    raise SystemExit("this example needs PyTorch: pip install torch") from None

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="minigrok_"))
runs = folder / "runs"                          # the activations alone: the command line reads all that is in it
runs.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Pictures
#
# 10 by 10 points with noise, of four kinds: a row, a column, a diagonal, a blob, each somewhere in the picture.

# %%
rng = np.random.default_rng(0)
y, x = np.mgrid[:10, :10]


def picture(kind):
    a, b = rng.integers(2, 8, size=2)
    shape = (y == a, x == b, y - x == a - b, (y - a)**2 + (x - b)**2 <= 3)[kind]
    return shape + rng.normal(0, 0.3, (10, 10))


kinds = rng.permutation(np.arange(1200) % 4)
pictures = torch.tensor(np.array([[picture(kind)] for kind in kinds]), dtype=torch.float32)    # (1200, 1, 10, 10)
train, test = slice(0, 800), slice(800, None)
labels = torch.tensor(kinds)

# %% [markdown]
# ## The network, and a hook on every ReLU

# %%
torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(),          # (n, 8, 8, 8): channels, height, width
    torch.nn.Linear(512, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
seen = {}
for name, number in {"conv": 1, "dense_1": 4, "dense_2": 6}.items():
    net[number].register_forward_hook(lambda module, given, out, name=name: seen.update({name: out.detach()}))


def look():
    """The accuracy on the test pictures; their activations are then in `seen`."""
    with torch.no_grad():
        return float((net(pictures[test]).argmax(dim=1) == labels[test]).float().mean())


# %% [markdown]
# ## Train, and measure at several epochs
#
# The activations of the convolution have shape (400, 8, 8, 8). Its neurons are the 8 channels, axis 1, and every
# place of every picture is an input: `as_matrix` makes (25600, 8) of it. But the 64 places of one picture depend on
# each other. So the sampling error resamples pictures, not places, and each place has its picture's label.
#
# S and P are those of the sample. The interval is about the corrected value, so S itself, which is biased low, may
# lie outside it. chi is how much of S speaks of the kinds of pictures.

# %%
optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
print("epoch  layer    accuracy   inputs   d  S (nats)  95 % interval       P  exp S    chi")
accuracy = {}
for epoch in range(13):
    if epoch in (0, 2, 5, 12):
        accuracy[epoch] = look()
        np.savez(runs / f"epoch_{epoch}.npz", **{name: A.numpy() for name, A in seen.items()})
        for name, A in seen.items():
            groups, kind = None, labels[test]
            if A.ndim > 2:
                groups = groups_of_places(A.numpy(), neuron_axis=1)
                A, kind = as_matrix(A.numpy(), neuron_axis=1), kind[groups]
            m, S = measure(A, kind), sampling_error(A, groups=groups)["entropy"]
            print(f"{epoch:5}  {name:8} {accuracy[epoch]:8.3f} {m.inputs:8} {m.dimension:3} {m.entropy:9.3f}  "
                  f"{S.low:.3f} .. {S.high:.3f} {m.purity:7.3f} {m.effective_rank:6.2f}  {m.holevo_information:.3f}")
            assert 0 <= m.holevo_information <= m.entropy <= np.log(m.dimension)
    for some in torch.randperm(800).split(50):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(pictures[train][some]), labels[train][some]).backward()
        optimizer.step()
assert accuracy[12] > 0.8 > accuracy[0]

# %% [markdown]
# ## In which convention?
#
# "trace" takes the activations as they are; "rows" makes all inputs count alike; "centered" takes the mean off, and
# "centered_rows" does both. Before training almost all pictures excite the last hidden layer alike: the mean is one
# large mode, which hides the small differences that the centred conventions see. So look at the direction in all
# four. What goes up in some and down in others is a fact about the convention as much as about the network. (And
# what holds for one seed may not for another: change `manual_seed`, and see.)

# %%
with np.load(runs / "epoch_0.npz") as first, np.load(runs / "epoch_12.npz") as last:
    before, after = (measure(file["dense_2"], labels[test], conventions="all") for file in (first, last))
print("\ndense_2        S: epoch 0      12   P: epoch 0      12   chi: epoch 0      12")
for name, m in before.items():
    n = after[name]
    print(f"{name:14} {m.entropy:10.3f} {n.entropy:7.3f} {m.purity:12.3f} {n.purity:7.3f} "
          f"{m.holevo_information:14.3f} {n.holevo_information:7.3f}")
for what in ("entropy", "holevo_information"):
    ups = [name for name, m in before.items() if getattr(after[name], what) > getattr(m, what)]
    downs = [name for name in before if name not in ups]
    print(f"{what} goes up in: {', '.join(ups) or 'none'}; down in: {', '.join(downs) or 'none'}")

# %% [markdown]
# ## The same from the command line
#
# A folder of .npz files, one a time, one entry a layer, is all that it needs. Labels are one number a picture; the
# command spreads them over the places. A layer must have one width in all files.

# %%
np.save(folder / "kinds.npy", labels[test].numpy())
print("\n$ minigrok measure runs --neuron-axis 1 --labels kinds.npy --figure curve")
status = main(["measure", str(runs), "--neuron-axis", "1", "--labels", str(folder / "kinds.npy"),
               "--figure", str(folder / "curve")])
assert status == 0
print("figure: curve.png and curve.pdf in", folder)
