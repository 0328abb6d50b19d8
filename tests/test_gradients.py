import numpy as np
import pytest
from scipy.special import xlogy
from strategies import rotation

from minigrok import gradients
from minigrok.density import density_matrix
from minigrok.metrics import purity, von_neumann_entropy


def central_difference(function, A, h=1e-6):
    gradient = np.zeros_like(A)
    for index in np.ndindex(A.shape):
        step = np.zeros_like(A)
        step[index] = h
        gradient[index] = (function(density_matrix(A + step)) - function(density_matrix(A - step))) / (2 * h)
    return gradient


SPECIAL_ACTIVATIONS = {
    "generic": np.random.default_rng(0).normal(size=(6, 4)),
    "degenerate spectrum": np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]],
    "dead neuron": np.random.default_rng(1).normal(size=(6, 4)) * [1, 1, 1, 0],
    "pure": np.outer(np.arange(1.0, 6), [1.0, -2, 0.5]),
    "fewer inputs than neurons": np.random.default_rng(2).normal(size=(2, 5)),
}


@pytest.mark.parametrize("name", SPECIAL_ACTIVATIONS)
@pytest.mark.parametrize("quantity", ["entropy", "purity"])
def test_gradients_are_central_differences_also_at_degenerate_states(name, quantity):
    A = SPECIAL_ACTIVATIONS[name]
    function = {"entropy": von_neumann_entropy, "purity": purity}[quantity]
    gradient = getattr(gradients, f"{quantity}_gradient")(A)
    # off the support a step h adds eigenvalues of order h^2, so the difference quotient of S is off by h ln h^2 = 3e-5
    np.testing.assert_allclose(gradient, central_difference(function, A), atol=1e-8 if name == "generic" else 3e-5)
    assert (gradient * A).sum() == pytest.approx(0, abs=1e-12)               # the scale of A does not matter


@pytest.mark.parametrize("gradient", [gradients.entropy_gradient, gradients.purity_gradient])
def test_a_gradient_falls_as_the_scale_of_the_activations_grows(gradient):
    A = np.random.default_rng(0).normal(size=(5, 3))
    before = A.copy()
    for scale in (1e-170, 1e-3, 1e200):
        np.testing.assert_allclose(gradient(A * scale) * scale, gradient(A), atol=1e-14)
    np.testing.assert_array_equal(A, before)
    for convert in (np.float32, np.longdouble, lambda A: A.astype(">f8"), np.asfortranarray):
        assert gradient(convert(A)).dtype == np.float64
        np.testing.assert_allclose(gradient(convert(A)), gradient(A), atol=1e-6)


@pytest.mark.parametrize("faint", [1e-6, 1e-7, 3e-8, 1e-8, 1e-9, 0.0])
def test_the_entropy_gradient_is_exact_where_an_eigenvalue_sinks_into_rounding(faint):
    """Of diag(1, s), p = s^2 / (1 + s^2) and dS/ds = -ln(p / (1 - p)) dp/ds = -4 s ln s / (1 + s^2)^2."""
    expected = -4 * xlogy(faint, faint) / (1 + faint**2) ** 2
    Q = rotation(2, 0)
    gradient = Q @ gradients.entropy_gradient(Q.T @ np.diag([1.0, faint]))
    assert gradient[1, 1] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("A", "message"), [
    (np.zeros((2, 2)), "all its activations are zero"), (np.ones((2, 2, 2)), "one real matrix"),
    (np.ones(3), "one real matrix"), (np.ones((2, 2)) * 1j, "one real matrix")])
def test_bad_activations_are_refused_with_the_reason(A, message):
    for gradient in (gradients.entropy_gradient, gradients.purity_gradient):
        with pytest.raises(ValueError, match=message):
            gradient(A)
