"""A multilayer perceptron with hand-written backpropagation.

Layer l turns the activations A of the layer below (the inputs X, for the first) into

    Z = A W + b,    and, unless it is the last,    A <- phi(Z)

and the loss L compares the last Z (n, classes) with the labels y (n,). The chain rule, from the top down,

    dL/dW = A^T dL/dZ,    dL/db = sum over inputs of dL/dZ,    dL/dA = dL/dZ W^T,    dL/dZ below = dL/dA * phi'(Z)

is `backward` (D. E. Rumelhart, G. E. Hinton and R. J. Williams, Nature 323, 533 (1986)). Each activation and
each loss stands beside its derivative.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import expit

from minigrok.checkpoint import load_checkpoint, save_checkpoint
from minigrok.checks import FloatArray, IntArray, number_array, numeric_array, one_of, real_number, short, whole_number


class Activation(NamedTuple):
    """phi, and phi' as a function of Z and A = phi(Z), whichever is cheaper."""

    function: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray, FloatArray], FloatArray]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(lambda Z: np.maximum(Z, 0), lambda Z, A: (Z > 0).astype(Z.dtype)),      # relu'(0) = 0
    "tanh": Activation(lambda Z: np.tanh(Z), lambda Z, A: 1 - A**2),
    "sigmoid": Activation(lambda Z: expit(Z), lambda Z, A: A * (1 - A)),                     # 1 / (1 + exp(-z))
    "quadratic": Activation(lambda Z: Z**2, lambda Z, A: 2 * Z),
    "identity": Activation(lambda Z: Z, lambda Z, A: np.ones_like(Z)),
}


def cross_entropy(Z: FloatArray, y: IntArray) -> tuple[float, FloatArray]:
    """L = -mean over inputs of ln softmax(Z)_y, and dL/dZ = (softmax(Z) - onehot(y)) / n.

    -ln softmax(z)_y = ln sum_j exp(z_j) - z_y, and the derivative of its first term by z_k is softmax(z)_k.
    A shift of all z of a row changes nothing, so the largest becomes 0: exp cannot overflow, the sum is 1 or more.
    """
    rows = np.arange(len(y))
    shifted = Z - Z.max(axis=1, keepdims=True)           # (n, classes)
    dZ = np.exp(shifted)
    total = dZ.sum(axis=1, keepdims=True)                # (n, 1)
    loss = float((np.log(total[:, 0]) - shifted[rows, y]).mean())
    dZ /= total                                          # softmax(Z)
    dZ[rows, y] -= 1
    dZ /= len(y)
    return loss, dZ


def squared_error(Z: FloatArray, y: IntArray) -> tuple[float, FloatArray]:
    """L = mean over inputs and classes of (Z - onehot(y))^2, and dL/dZ = 2 (Z - onehot(y)) / (n classes)."""
    residual = Z.copy()                                  # (n, classes)
    residual[np.arange(len(y)), y] -= 1
    return float((residual**2).mean()), residual * (2 / Z.size)


LOSSES = {"cross_entropy": cross_entropy, "squared_error": squared_error}

# Is it normal, of which standard deviation, or uniform, up to which bound? By fan-in n, fan-out m, and init_scale
INITIALISATIONS: dict[str, tuple[str, Callable[[int, int, float], float]]] = {
    "he_normal": ("normal", lambda n, m, scale: math.sqrt(2 / n)),             # He et al., ICCV 2015, section 2.2
    "glorot_uniform": ("uniform", lambda n, m, scale: math.sqrt(6 / (n + m))), # Glorot and Bengio, AISTATS 2010, 4.2.1
    "lecun_normal": ("normal", lambda n, m, scale: math.sqrt(1 / n)),          # LeCun et al., Efficient BackProp, 1998
    "fan_in_uniform": ("uniform", lambda n, m, scale: math.sqrt(1 / n)),       # PyTorch's nn.Linear; biases, too
    "normal": ("normal", lambda n, m, scale: scale),
}


class Layer(NamedTuple):
    """The parameters of Z = A W + b, or the derivatives by them: views into a flat vector."""

    W: FloatArray              # (fan_in, fan_out)
    b: FloatArray | None       # (fan_out,), or None in a net without biases


class MLP:
    """A multilayer perceptron: all its parameters are one flat vector, `theta`.

    `layers[l].W` (fan_in, fan_out) and `layers[l].b` (fan_out,) are views into it.

    Parameters
    ----------
    sizes : sequence of int
        Width of the input, of each hidden layer, and the number of classes: [2, 6, 2]; [2, 2] has no hidden layer.
    activation : {"relu", "tanh", "sigmoid", "quadratic", "identity"}
        Of every hidden layer; quadratic is z^2. The derivative of relu at 0 is 0.
    loss : {"cross_entropy", "squared_error"}
        Mean over inputs (and, for squared_error, classes).
    init : {"he_normal", "glorot_uniform", "lecun_normal", "fan_in_uniform", "normal"}
        Distribution of the first weights, of variance 2/n, 2/(n + m), 1/n, 1/(3n) and init_scale^2 for fan-in n and
        fan-out m. Biases begin at 0, but as the weights do, uniform within 1/sqrt(n), for "fan_in_uniform".
    bias : bool
        Whether the layers have biases b; without them Z = A W.
    dtype : float32 or float64, of parameters, activations and gradients
    seed : int or numpy.random.Generator
    init_scale : float
        Standard deviation of "normal"; no other uses it.

    Raises
    ------
    ValueError
        For sizes that are no whole numbers above 0, unknown names (the nearest is said), another dtype;
        from the methods for X or y of a wrong shape or type, or not finite.
    FloatingPointError
        From the methods, where a result overflows or is NaN.

    Examples
    --------
    >>> net = MLP([2, 6, 2], activation="tanh", seed=0)
    >>> len(net.theta)                                   # 2 * 6 + 6 + 6 * 2 + 2
    32
    >>> loss, gradient = net.loss_and_gradient([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> gradient.shape
    (32,)
    """

    def __init__(
        self, sizes: Sequence[int], activation: str = "relu", loss: str = "cross_entropy", init: str = "he_normal",
        bias: bool = True, dtype: DTypeLike = np.float64, seed: int | np.random.Generator = 0, init_scale: float = 0.1,
    ) -> None:
        if not np.iterable(sizes) or len(sizes) < 2:
            raise ValueError(f"sizes is {short(sizes)}, but a net has an input and an output: two numbers at least")
        self.sizes = tuple(whole_number(f"sizes[{i}]", size, 1) for i, size in enumerate(sizes))
        self.activation = one_of("activation", activation, ACTIVATIONS)
        self.loss = one_of("loss", loss, LOSSES)
        self.init = one_of("init", init, INITIALISATIONS)
        self.init_scale = real_number("init_scale", init_scale, 0)
        self.bias = bool(bias)
        self.seed = seed if isinstance(seed, np.random.Generator) else whole_number("seed", seed, 0, np.inf)
        type_name: Any = np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype
        float_type = one_of("dtype", type_name, ("float32", "float64"))
        self._theta: FloatArray = np.zeros(sum((n + self.bias) * m for n, m in pairwise(self.sizes)), float_type)
        self.layers = views(self._theta, self.sizes, self.bias)
        self._initialise(np.random.default_rng(seed))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copied or unpickled net: its layers must look at its own theta."""
        self.__dict__.update(state)
        self.layers = views(self._theta, self.sizes, self.bias)

    @property
    def theta(self) -> FloatArray:
        """All parameters, one flat vector, ordered W1, b1, W2, b2, ... Assigning to it copies the values in."""
        return self._theta

    @theta.setter
    def theta(self, values: ArrayLike) -> None:
        array = numeric_array("theta", values)
        if array.shape != self._theta.shape or array.dtype.kind == "c":
            raise ValueError(f"theta has shape {array.shape}, {array.dtype}, but this net has {len(self._theta)} reals")
        self._theta[:] = array

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings, fit for JSON; `seed` is None where the net was given a Generator."""
        return {
            "sizes": list(self.sizes), "activation": self.activation, "loss": self.loss, "init": self.init,
            "init_scale": self.init_scale, "bias": self.bias, "dtype": self._theta.dtype.name,
            "seed": None if isinstance(self.seed, np.random.Generator) else self.seed}

    @np.errstate(over="ignore", invalid="ignore")        # here and below: _finite says it better
    def forward(self, X: ArrayLike) -> FloatArray:
        """The last layer's Z (n, classes) for inputs X (n, features): logits, or squared-error outputs."""
        return _finite("the outputs", forward(self, self._inputs(X))[0][-1])

    @np.errstate(over="ignore", invalid="ignore")
    def hidden(self, X: ArrayLike, layer: int = -1) -> FloatArray:
        """Activations A = phi(Z) (n, width) of hidden layer 0, 1, ..., from the inputs on; -1 is the last."""
        count = len(self.sizes) - 2
        if not isinstance(layer, int | np.integer) or layer not in range(-count, count):
            known = ", ".join(map(str, range(-count, count))) or "none, so give sizes a third number"
            raise ValueError(f"layer is {short(layer)}, but the hidden layers of sizes {self.sizes} are: {known}")
        return _finite("the hidden activations", forward(self, self._inputs(X))[1][1:][int(layer)])

    def predict(self, X: ArrayLike) -> IntArray:
        """The class (n,) with the largest output; the first of them where several are."""
        labels: IntArray = self.forward(X).argmax(axis=1)
        return labels

    @np.errstate(over="ignore", invalid="ignore")
    def loss_and_gradient(self, X: ArrayLike, y: ArrayLike) -> tuple[float, FloatArray]:
        """The loss L and dL/dtheta, a fresh array like `theta`, at inputs X (n, features) with labels y (n,).

        The labels are whole numbers, 0 to the number of classes - 1; else ValueError.
        """
        inputs = self._inputs(X)
        loss, gradient = loss_and_gradient(self, inputs, self._labels(y, len(inputs)))
        return float(_finite("the loss", np.asarray(loss))), _finite("the gradient", gradient)

    @np.errstate(over="ignore", invalid="ignore")
    def loss_of_logits(self, Z: FloatArray, y: IntArray) -> float:
        """The loss of outputs that `forward` gave, shape (n, classes), without a gradient."""
        outputs = numeric_array("Z", Z)
        if outputs.ndim != 2 or outputs.shape[1] != self.sizes[-1] or outputs.dtype.kind == "c":
            raise ValueError(f"Z has shape {outputs.shape}, but this net's outputs are reals (n, {self.sizes[-1]})")
        labels = self._labels(y, len(outputs))
        return float(_finite("the loss", np.asarray(LOSSES[self.loss](outputs, labels)[0])))

    def save(self, path: str | PathLike[str]) -> None:
        """Write settings and parameters to one file, which `MLP.load` reads."""
        save_checkpoint(path, "mlp", self.configuration, {"theta": self._theta})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "MLP":
        """Read what `save` wrote. CheckpointError, a ValueError, where the file is none of it."""
        arrays, configuration = load_checkpoint(path, "mlp")
        seed = np.random.default_rng(0) if configuration["seed"] is None else configuration["seed"]
        net = cls(**configuration | {"seed": seed})
        net.theta = arrays["theta"]
        return net

    def _initialise(self, rng: np.random.Generator) -> None:
        distribution, width = INITIALISATIONS[self.init]
        for W, b in self.layers:
            scale = width(len(W), W.shape[1], self.init_scale)
            W[:] = rng.normal(0, scale, W.shape) if distribution == "normal" else rng.uniform(-scale, scale, W.shape)
            if b is not None and self.init == "fan_in_uniform":
                b[:] = rng.uniform(-scale, scale, b.shape)

    def _inputs(self, X: ArrayLike) -> FloatArray:
        array = numeric_array("X", X)
        if array.ndim != 2 or array.shape[1] != self.sizes[0] or array.dtype.kind == "c":
            raise ValueError(
                f"X has shape {array.shape} and dtype {array.dtype}, but this net takes reals (n, {self.sizes[0]})")
        inputs = array.astype(self._theta.dtype, copy=False)
        return inputs if inputs is array else numeric_array("X", inputs)     # 1e300 is infinite in float32

    def _labels(self, y: ArrayLike, n: int) -> IntArray:
        labels = number_array("y", y)
        if labels.shape != (n,) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"y has shape {labels.shape} and dtype {labels.dtype}, but must be {n} whole numbers, one an input")
        for index in np.flatnonzero((labels < 0) | (labels >= self.sizes[-1]))[:1]:
            raise ValueError(f"y[{index}] is {labels[index]}, but this net's classes are 0 to {self.sizes[-1] - 1}")
        return labels


def views(theta: FloatArray, sizes: Sequence[int], bias: bool) -> tuple[Layer, ...]:
    """A flat vector, ordered W1, b1, W2, b2, ..., as the layers of a net of these sizes; nothing is copied."""
    layers, start = [], 0
    for n, m in pairwise(sizes):
        middle, end = start + n * m, start + (n + bias) * m
        layers.append(Layer(theta[start:middle].reshape(n, m), theta[middle:end] if bias else None))
        start = end
    return tuple(layers)


def forward(net: MLP, X: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """Z of every layer, and the A that went into it (X first); X (n, features) is not checked."""
    phi = ACTIVATIONS[net.activation].function
    Zs: list[FloatArray] = []
    As: list[FloatArray] = []
    for W, b in net.layers:
        A = phi(Zs[-1]) if Zs else X                     # (n, fan_in)
        Z = A @ W if b is None else A @ W + b            # (n, fan_out)
        As.append(A)
        Zs.append(Z)
    return Zs, As


def backward(net: MLP, Zs: Sequence[FloatArray], As: Sequence[FloatArray], dZ: FloatArray) -> FloatArray:
    """dL/dtheta from dL/dZ of the last layer, (n, classes); Zs and As as `forward` returns them."""
    derivative = ACTIVATIONS[net.activation].derivative
    layers, gradient = net.layers, np.empty_like(net.theta)
    gradients = views(gradient, net.sizes, net.bias)
    for i in reversed(range(len(layers))):
        dW, db = gradients[i]
        dW[:] = As[i].T @ dZ                             # (fan_in, fan_out)  dL/dW = A^T dL/dZ
        if db is not None:
            db[:] = dZ.sum(axis=0)                       # (fan_out,)         dL/db = sum over inputs of dL/dZ
        if i > 0:
            dA = dZ @ layers[i].W.T                      # (n, fan_in)        dL/dA = dL/dZ W^T
            dZ = dA * derivative(Zs[i - 1], As[i])       # (n, fan_in)        one layer down: dL/dA phi'(Z)
    return gradient


def loss_and_gradient(net: MLP, X: FloatArray, y: IntArray) -> tuple[float, FloatArray]:
    """L and dL/dtheta for inputs and labels of the right shape, unchecked: what the training loop calls."""
    Zs, As = forward(net, X)
    loss, dZ = LOSSES[net.loss](Zs[-1], y)
    return loss, backward(net, Zs, As, dZ)


def _finite(what: str, values: FloatArray) -> FloatArray:
    if not np.isfinite(values).all():
        raise FloatingPointError(
            f"{what} overflow {values.dtype} or are NaN: take a smaller learning rate, or scale the inputs down")
    return values
