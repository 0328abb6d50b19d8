"""The marker's side of e29_law_of_entropy.

Hypothesis is no dependency of minigrok, so only functions import it; and a law takes it some 50 ms, so each answer is
kept, by the code of the entropy in question.
"""

from functools import wraps

import numpy as np

from minigrok.course.laws import Source, agrees

LESSON, MINUTES = 7, 30
HINTS = (
    "For which states do you know the entropy before you compute it? A law may begin with the answer: draw the "
    "eigenvalues first, and make the state from them.",
    "Draw weights, skip those whose sum is nearly 0, divide them by their sum: a spectrum p, zeros included. Turn "
    "diag(p) by a rotation Q, from np.linalg.qr of a normal matrix whose seed is drawn too. S must be that of p.",
    "rho = Q @ np.diag(p) @ Q.T; q = p[p > 0]; assert abs(entropy(rho) + (q * np.log(q)).sum()) < 1e-9. Put so, NaN "
    "fails as well, for no comparison with NaN is true.",
)


def broken(entropy):
    from hypothesis import HealthCheck, Phase, assume, given, settings
    from hypothesis import strategies as st

    weights = st.lists(st.floats(0, 1), min_size=1, max_size=5)          # zeros among them

    @settings(max_examples=50, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(weights, st.integers(0, 2**32 - 1))
    def spectrum_decides(weights, seed):
        assume(sum(weights) > 1e-3)
        p = np.array(weights) / sum(weights)                             # the answer is known before the question
        Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(p), len(p))))[0]
        q = p[p > 0]
        assert abs(entropy(Q @ np.diag(p) @ Q.T) + (q * np.log(q)).sum()) < 1e-9

    try:
        spectrum_decides()
    except Exception:
        return True
    return False


_RIGHT_ENTROPIES = {
    "the sum over eigenvalues above 0": """
        p = np.linalg.eigvalsh(rho)
        p = p[p > 0]
        return -(p * np.log(p)).sum()""",
    "singular values, which are the eigenvalues of a state": """
        p = np.linalg.svd(rho, compute_uv=False)
        return float(sum(-x * np.log(x) for x in p if x > 1e-14))""",
    "-tr(rho ln rho), with the logarithm of the matrix": """
        p, V = np.linalg.eigh(rho)
        log_rho = (V * np.log(np.where(p > 1e-14, p, 1))) @ V.T
        return -np.trace(rho @ log_rho)""",
}
_WRONG_ENTROPIES = {
    "-S: a minus is missing": """
        p = np.linalg.eigvalsh(rho)
        p = p[p > 0]
        return (p * np.log(p)).sum()""",
    "S in bits, log2 in place of ln": """
        p = np.linalg.eigvalsh(rho)
        p = p[p > 0]
        return -(p * np.log2(p)).sum()""",
    "the entropy of the diagonal, which is right where rho is diagonal": """
        p = np.diag(rho)
        p = p[p > 0]
        return -(p * np.log(p)).sum()""",
    "1 - P, the linear entropy": """
        return 1 - (rho**2).sum()""",
    "NaN where an eigenvalue is 0, or a rounding below": """
        p = np.linalg.eigvalsh(rho)
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(p * np.log(p)).sum()""",
    "ln(p + 0.0001) in place of ln p": """
        p = np.maximum(np.linalg.eigvalsh(rho), 0)
        return -(p * np.log(p + 1e-4)).sum()""",
    "-ln P, Renyi's entropy of order 2, equal to S where all levels in use are alike": """
        return -np.log((rho**2).sum())""",
    "S / ln d, the normalised entropy": """
        p = np.linalg.eigvalsh(rho)
        p = p[p > 0]
        return -(p * np.log(p)).sum() / np.log(max(len(rho), 2))""",
    "the two largest eigenvalues only, right for two neurons": """
        p = np.linalg.eigvalsh(rho)[-2:]
        p = p[p > 0]
        return -(p * np.log(p)).sum()""",
    "math.log(p), an error where an eigenvalue is 0, or a rounding below": """
        import math
        return -sum(p * math.log(p) for p in np.linalg.eigvalsh(rho))""",
    "ln d for every state": """
        return np.log(len(rho))""",
}


def _source(body):
    lines = [line.removeprefix("    ") for line in body.strip("\n").splitlines()]
    return Source("entropy", "\n".join(["def entropy(rho):", *lines]))


def check(broken, rng):
    right, wrong = list(_RIGHT_ENTROPIES.items()), list(_WRONG_ENTROPIES.items())
    for expected, some in ((False, right[:1]), (True, wrong), (False, right[1:])):
        for words, body in some:
            sentence = f"this entropy is {'wrong' if expected else 'right'}: {words}"
            agrees(broken, _certain(expected), _source(body), sentence=sentence)


def _certain(answer):
    return lambda entropy: answer


def _remembered(law, without_hypothesis=None):
    """The same law, which answers at once about an entropy that it has seen."""
    answers = {}

    @wraps(law)
    def remembered(entropy):
        if entropy.__code__ not in answers:
            try:
                answers[entropy.__code__] = law(entropy)
            except ModuleNotFoundError:                  # a student may do without Hypothesis
                if without_hypothesis is None:
                    raise
                answers[entropy.__code__] = without_hypothesis(entropy)
        return answers[entropy.__code__]

    return remembered


def _states(sizes=(1, 2, 3, 4, 5), zeros=True, turned=True):
    """Spectra p and states: 20 of each size, zeros among their eigenvalues, turned by a rotation."""
    rng = np.random.default_rng(0)
    for d in sizes:
        for i in range(20):
            p = rng.dirichlet(np.ones(d))
            if zeros and d > 1 and i % 2:
                p[: 1 + i % (d - 1)] = 0
                p /= p.sum()
            Q = np.linalg.qr(rng.normal(size=(d, d)))[0] if turned else np.eye(d)
            yield p, Q @ np.diag(p) @ Q.T, Q


def _S(p):
    q = p[p > 0]
    return -(q * np.log(q)).sum()


def _refuses(condition, caught=Exception, **which):
    """The function `broken` whose law is condition(entropy, p, rho, Q)."""

    def broken(entropy):
        try:
            return not all(condition(entropy, *state) for state in _states(**which))
        except caught:
            return True

    return _remembered(broken)


def _right_by_integers(entropy):
    from hypothesis import HealthCheck, Phase, assume, given, settings
    from hypothesis import strategies as st

    @settings(max_examples=50, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(st.data())
    def law(data):
        d = data.draw(st.integers(2, 4))
        p = np.array(data.draw(st.lists(st.integers(0, 3), min_size=d, max_size=d)), float)
        assume(p.any())
        p /= p.sum()
        v = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=d, max_size=d)), float)
        assume(v.any())
        mirror = np.eye(d) - 2 * np.outer(v, v) / (v @ v)                # a reflection in place of a rotation
        np.testing.assert_allclose(entropy(mirror @ np.diag(p) @ mirror), _S(p), atol=1e-8)

    try:
        law()
    except BaseException:                                # of several errors Hypothesis makes a group
        return True
    return False


def _two_laws(entropy, p, rho, Q):
    """On diagonal states the value; and a rotation leaves it alone."""
    return abs(entropy(np.diag(p)) - _S(p)) < 1e-9 and abs(entropy(rho) - entropy(np.diag(p))) < 1e-9


def _grouping(entropy, p, rho, Q):
    """Either rho or a state beside it: S(t rho + (1 - t) sigma) = S(t) + t S(rho) + (1 - t) S(sigma), and a value."""
    d, t = len(p), 0.3
    both = np.zeros((2 * d, 2 * d))
    both[:d, :d], both[d:, d:] = t * rho, (1 - t) * np.eye(d) / d
    expected = _S(np.array([t, 1 - t])) + t * entropy(rho) + (1 - t) * np.log(d)
    known = abs(entropy(np.eye(d) / d) - np.log(d)) < 1e-9
    return known and abs(entropy(both) - expected) < 1e-9 and abs(entropy(np.diag(p)) - entropy(rho)) < 1e-9


def _value(tolerance):
    return lambda entropy, p, rho, Q: abs(entropy(rho) - _S(p)) < tolerance


def _nan_passes(entropy):
    for p, rho, _ in _states():
        try:
            S = entropy(rho)
        except ValueError:
            return True
        if abs(S - _S(p)) > 1e-9:
            return True
    return False


def _flat_or_pure(entropy, p, rho, Q):
    d = len(p)
    first = np.outer(Q[0], Q[0])
    return abs(entropy(np.eye(d) / d) - np.log(d)) < 1e-9 and abs(entropy(first)) < 1e-9


def _in_range(entropy, p, rho, Q):
    return -1e-9 <= entropy(rho) <= np.log(len(p)) + 1e-9


def _unturned(entropy, p, rho, Q):
    return abs(entropy(Q @ rho @ Q.T) - entropy(rho)) < 1e-9


_by_values = _refuses(_value(1e-9))
RIGHT = (_remembered(_right_by_integers), _refuses(_two_laws), _refuses(_grouping), _refuses(_value(1e-7)))
WRONG = {
    "asks what the stub asks: S >= 0, and of maximally mixed states alone":
        _refuses(lambda entropy, p, rho, Q: entropy(np.eye(len(p)) / len(p)) >= 0),
    "asks only whether S is at least 0": _refuses(lambda entropy, p, rho, Q: entropy(rho) >= -1e-9),
    "asks only whether S lies between 0 and ln d, as many a wrong one does": _refuses(_in_range),
    "asks only whether a rotation leaves S alone: that says nothing of its value": _refuses(_unturned),
    "asks only for rotations and for the range from 0 to ln d: 1 - P keeps both":
        _refuses(lambda *state: _unturned(*state) and _in_range(*state)),
    "tries pure and maximally mixed states only, on which Renyi's entropies are right": _refuses(_flat_or_pure),
    "tries diagonal states only, on which the entropy of the diagonal is right":
        _refuses(_value(1e-9), turned=False),
    "tries no state with an eigenvalue 0, where 0 ln 0 goes wrong": _refuses(_value(1e-9), zeros=False),
    "tries no state of more than two neurons": _refuses(_value(1e-9), sizes=(1, 2)),
    "tolerates so much that ln(p + 0.0001) passes: rounding is 1e-12 here": _refuses(_value(1e-2)),
    "lets NaN pass: abs(NaN - S) > 1e-9 is false, so ask for < and negate": _remembered(_nan_passes),
    "compares the entropy with itself": _refuses(lambda entropy, p, rho, Q: entropy(rho) == entropy(rho.copy())),
    "catches AssertionError alone, though a wrong entropy may raise an error of its own":
        _refuses(_value(1e-9), caught=AssertionError),
    "expects bits, the logarithm to base 2":
        _refuses(lambda entropy, p, rho, Q: abs(entropy(rho) - _S(p) / np.log(2)) < 1e-9),
    "has True and False the wrong way round": lambda entropy: not _by_values(entropy),
    "refuses every entropy, right ones too; perhaps it compares with ==, which rounding breaks, or draws no states":
        lambda entropy: True,
    "refuses none; perhaps the law is never run, or its error does not get as far as `except`": lambda entropy: False,
}
broken = _remembered(broken, _by_values)
