"""Whatever a public function or the command line is given: an answer that is one, or a refusal in words.

`MINIGROK_HOSTILE=100000 pytest tests/test_hostile.py` tries so many cases in all, a tenth of them command lines, and
prints how many were answered and refused; bench/kept/hostile.txt keeps such a table.
"""

import inspect
import os
from collections import Counter
from importlib import import_module

import numpy as np
import pytest
from hostile import Hostile, OnlyDLPack, called, fingerprint, folder, names_it, not_finite, shown
from hostile_commands import command_lines, complaint, ran, short_commands, tidied
from hostile_table import MODULES, TABLE, TRUSTED
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigrok
from minigrok import plots, tasks
from minigrok.exact.ising import exact_counts
from minigrok.exact.linear_units import two_linear_units_log_g
from minigrok.states import labels, readers
from minigrok.study import features
from minigrok.study import reproduce as study

MANY = int(os.environ.get("MINIGROK_HOSTILE", "500"))
COMMANDS_SHARE = 0.11
ALIKE = ("must be alike", "Unable to allocate", "Maximum allowed")     # of two arguments; NumPy, of an absurd one
DONE = {}                      # name -> how often answered and refused
SETTINGS = settings(database=None, suppress_health_check=list(HealthCheck),
                    phases=(Phase.explicit, Phase.generate, Phase.shrink), report_multiple_bugs=False)


def cases_of(name):
    """How many, of MANY."""
    shares = sum(entry.share for entry in TABLE.values())
    return max(2, round(MANY * (1 - COMMANDS_SHARE) * TABLE[name].share / shares * 1.02))


@pytest.fixture(scope="module", autouse=True)
def table(request):
    """Written at the end of a long run."""
    yield
    if "MINIGROK_HOSTILE" in os.environ:
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"\n\n{table_of(DONE)}")


def table_of(done):
    """One line a function: cases, answered, refused."""
    lines = [f"{'':44}{'cases':>9}{'answered':>9}{'refused':>9}"]
    for name, count in done.items():
        lines.append(f"{name:44}{count.total():9,}{count['answered']:9,}{count['refused']:9,}")
    total = sum(done.values(), Counter())
    return "\n".join([*lines, f"{'all':44}{total.total():9,}{total['answered']:9,}{total['refused']:9,}"])


class Case:
    """A call: which arguments are right, and which are not."""

    def __init__(self, valid, hostile):
        self.valid, self.hostile = valid, hostile
        self.arguments = valid | {name: other.value for name, other in hostile.items()}

    def __repr__(self):
        return ", ".join(f"{name}={shown(value)}" for name, value in self.arguments.items())


@st.composite
def cases(draw, entry):
    """Right arguments, of which one, or sometimes two, are then replaced."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(4, 8)), draw(st.integers(2, 4))
    valid = {name: kind.valid(rng, n, d) for name, kind in entry.arguments.items()}
    strategies = {name: entry.arguments[name].hostile(value) for name, value in valid.items()}
    names = [name for name, strategy in strategies.items() if strategy is not None]
    chosen = [draw(st.sampled_from(names))]
    if draw(st.integers(0, 3)) == 0:
        chosen.append(draw(st.sampled_from(names)))
    return Case(valid, {name: draw(strategies[name]) for name in dict.fromkeys(chosen)})


def alike(one, other, rounding):
    """Whether two answers are the same but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name], rounding) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(alike(a, b, rounding) for a, b in zip(one, other, strict=True))
    if isinstance(one, np.ndarray | np.generic | float | complex):
        return np.shape(one) == np.shape(other) and np.allclose(one, other, rounding, rounding, equal_nan=True)
    return True


def hold_to_the_law(name, entry, case):
    """Call, and look at what came of it; "answered" or "refused"."""
    watched = {key: value for key, value in case.arguments.items() if key not in entry.moved}
    before = fingerprint(watched)
    result, error = called(entry.function, case.arguments)
    assert fingerprint(watched) == before, f"{name} changed an argument"
    strange = list(case.hostile.values())
    if error is None:
        bad = [place for place in not_finite(result) if not entry.special(place)]
        assert not bad, f"{name} gave NaN or infinity in silence: {bad}"
        assert not any(other.must_refuse for other in strange), f"{name} gave {shown(result)}"
        if entry.rounding is not None and all(other.same for other in strange):
            plain, _ = called(entry.function, case.valid)
            assert alike(plain, result, entry.rounding), f"{name}: {shown(plain)} became {shown(result)}"
        return "answered"
    absurd = isinstance(error, MemoryError) and "Unable to allocate" in str(error)
    if not absurd and not isinstance(error, (ValueError, TypeError, *entry.raises)):
        raise error
    words = [word for key in case.hostile for word in (key, *entry.arguments[key].words)]
    assert names_it(error, [*words, *ALIKE]), f"{name} names none of {words}: {error}"
    return "refused"


@pytest.mark.parametrize("name", TABLE)
def test_a_function_answers_or_refuses_in_words(name, monkeypatch):
    entry, count = TABLE[name], DONE.setdefault(name, Counter())
    monkeypatch.setattr(study, "run_jobs", nothing_runs)
    monkeypatch.chdir(folder())

    @settings(SETTINGS, max_examples=cases_of(name))
    @given(cases(entry))
    def law(case):
        count[hold_to_the_law(name, entry, case)] += 1

    law()


def nothing_runs(*words):
    raise ValueError("size, experiment, seed, workers and claim are right; the study itself is tried elsewhere")


def test_a_command_says_what_is_wrong_in_a_line_or_two(monkeypatch):
    with short_commands(monkeypatch) as (place, kept):
        @settings(SETTINGS, max_examples=round(MANY * COMMANDS_SHARE))
        @given(command_lines())
        def law(words):
            answer = ran(words)
            try:
                assert not complaint(*answer), answer
            finally:
                left = tidied(place, kept)
                for name, content in kept.items():
                    (place / name).write_bytes(content)
            assert left == kept, "a file that was there was changed"
            command = words[0] if words and words[0] in minigrok.cli.COMMANDS else "another word"
            DONE.setdefault(f"minigrok {command}", Counter())["answered" if answer[0] == 0 else "refused"] += 1

        law()


# ------------------------------------------------------------------ nothing is left out

def public_names():
    """Every public function and class; of classes their methods, too."""
    found = {name: getattr(minigrok, name) for name in minigrok.__all__}
    for name in MODULES:
        module = import_module(f"minigrok.{name}")
        found |= {key: value for key, value in vars(module).items() if not key.startswith("_")
                  and getattr(value, "__module__", "").startswith(module.__name__)}
    found = {name: value for name, value in found.items() if callable(value)}
    methods = {f"{name}.{key}" for name, value in found.items() if inspect.isclass(value) and name not in DATA_TYPES
               for key, method in vars(value).items() if not key.startswith("_") and callable(method)}
    return {*found, *methods}


DATA_TYPES = ("StateMetrics", "CheckpointError", "Student", "Failure")


def test_every_public_function_is_in_the_table_or_has_a_reason_not_to_be():
    known = {*TABLE, *TRUSTED}
    missing = {name for name in public_names()
               if not {name, f"tasks.{name}", name.rpartition(".")[2]} & known}
    assert not missing, "give it a place in TABLE, with arguments that are right, or in TRUSTED, with a reason"


def test_no_reason_is_given_for_what_is_not_there():
    names = public_names()
    tails = {name.rpartition(".")[2] for name in names}
    assert {name for name in TRUSTED if name not in names | tails} == set()


HALF = np.eye(2) / 2
ROWS = np.array([[1.0, 0.5], [0.0, 1.0], [2.0, 1.0]])
LABELS = np.ma.array([0, 1, 1], mask=[True, False, False])
FOUND = [                      # by the table, each a fault once: another error, a warning, an answer that was none
    (lambda: minigrok.purity(np.full((2, 2), 1e308)), "rho has trace inf"),
    (lambda: minigrok.linear_cka(ROWS, np.full((3, 2), np.longdouble("1e4000"))), r"A\[0, 0\] is inf"),
    (lambda: minigrok.renyi_entropy(HALF, "2"), "alpha is '2', but must be a number in"),
    (lambda: minigrok.von_neumann_entropy(HALF, [2]), "base is .2., but must be a number in"),
    (lambda: minigrok.weight_entropy(ROWS, ["a", "b"]), "which is no binning"),
    (lambda: minigrok.measure(ROWS, conventions=np.array([])), "convention .* is not known"),
    (lambda: minigrok.sampling_error(np.eye(3), groups=LABELS), "groups has masked entries"),
    (lambda: minigrok.sampling_error(np.eye(3), resamples=np.array([0, 1])), "resamples is array"),
    (lambda: minigrok.holevo_information(ROWS, [0, 1e300, 1]), r"labels\[1\] is 1e.300, but labels are whole"),
    (lambda: minigrok.holevo_gradient(ROWS * 1e-320, [0, 1, 1]), "gradient overflows"),
    (lambda: minigrok.entropy_gradient(ROWS * 1e-320), "gradient overflows"),
    (lambda: labels.holevo_bound([0.5, np.nan]), r"weights\[1\] is nan"),
    (lambda: labels.holevo_bound([2.0, -1.0]), "must be shares"),
    (lambda: readers.as_matrix(np.full((2, 2), None)), "must hold numbers"),
    (lambda: readers.as_matrix(ROWS, np.array([0, 1])), "no axis"),
    (lambda: minigrok.MLP([2, 2]).loss_and_gradient(ROWS, LABELS), "y has masked entries"),
    (lambda: minigrok.MLP([2, 2]).loss_of_logits(ROWS, LABELS), "y has masked entries"),
    (lambda: minigrok.MLP([2, 2], dtype=["float32"]), "dtype .* is not known"),
    (lambda: minigrok.SGD(0.1).step([1.0], np.ones(1), minigrok.SGD(0.1).start(np.ones(1))), "a step takes arrays"),
    (lambda: minigrok.DensityAccumulator().merge("another"), "convention is None"),
    (lambda: tasks.circles(noise=1e308), "noise is 1e.308"),
    (lambda: minigrok.WangLandau(minigrok.Ising2D(2), [0, 1j, 2]), "edges has dtype complex128, but must be real"),
    (lambda: exact_counts([4]), r"L is \[4\], but must be a whole number"),
    (lambda: minigrok.Ising2D(5).exact_log_g(), "even L: take 4 or 6"),
    (lambda: features.fourier_concentration(ROWS, 2), r"W has shape \(3, 2\)"),
    (lambda: features.answer_share(ROWS, LABELS), "answers has masked entries"),
    (lambda: minigrok.NetworkLandscape(ROWS, scale=1e308), "scale is 1e.308"),
    (lambda: plots.new_figure(1e308, 1), "width is 1e.308"),
    (lambda: plots.density_heatmap(None, HALF * 1e308), "the largest element is"),
    (lambda: plots.save_figure(plots.new_figure(1, 1), "x", ["gif"]), "ending 'gif' is not known"),
]


@pytest.mark.parametrize(("call", "message"), FOUND)
def test_what_was_found_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_was_found_is_answered():
    assert minigrok.measure_state(np.eye(4)[::2, ::2] / 2).purity == 0.5       # not contiguous
    assert minigrok.l1_coherence(OnlyDLPack(HALF)) == minigrok.relative_entropy_of_coherence(OnlyDLPack(HALF)) == 0
    gradient = minigrok.holevo_gradient(ROWS * 1e200, [0, 1, 1]) * 1e200
    np.testing.assert_allclose(gradient, minigrok.holevo_gradient(ROWS, [0, 1, 1]), atol=1e-12)
    assert minigrok.class_states(ROWS, np.array([0, 1, 1], np.float16)).labels.tolist() == [0, 1]
    np.testing.assert_array_equal(two_linear_units_log_g(np.eye(2) * 1e308, [0, 0.5, 1]),
                                  two_linear_units_log_g(np.eye(2), [0, 0.5, 1]))
    constant = np.full((10, 3), 0.1)
    assert features.fourier_concentration(constant, 5) == 0                    # as of a dead neuron, no wave
    assert features.fourier_concentration(constant, 5, "multiply") == 0


def test_the_law_sees_what_breaks_it():
    entry = TABLE["purity"]
    right = {"rho": np.eye(2) / 2}
    for function, hostile, words in (
        (lambda rho: np.nan, Hostile(right["rho"]), "NaN or infinity in silence"),
        (lambda rho: 1.0, Hostile([[np.nan]], must_refuse=True), "gave 1.0"),
        (lambda rho: rho[0, 0], Hostile(np.eye(2), same=True), "0.5.* became .*1.0"),
        (lambda rho: rho.sort(), Hostile(np.eye(2)[::-1].copy()), "changed an argument"),
        (lambda rho: int("x"), Hostile(right["rho"]), "names none of"),
        (lambda rho: [][0], Hostile(right["rho"]), "list index"),
        (lambda rho: np.log(0.0 * rho), Hostile(right["rho"]), "divide by zero"),
    ):
        broken = entry.__class__(function, entry.arguments)
        with pytest.raises((AssertionError, IndexError, RuntimeWarning), match=words):
            hold_to_the_law("it", broken, Case(right, {"rho": hostile}))
    assert complaint(2, "", "minigrok: no\n") == ""
    assert complaint(2, "", "") == "0 lines"
    assert complaint(2, "", "usage: minigrok\n  more\nminigrok: error: no\n") == ""
    assert complaint(2, "", "usage: minigrok\n  more\n") == "no reason"
    assert complaint(2, "", "a\nb\nc\n") == "3 lines"
    assert complaint(1, "", "Traceback (most") == "a traceback"
    assert complaint(2, "", "minigrok: \x1b[31m\n") == "what cannot be read"
