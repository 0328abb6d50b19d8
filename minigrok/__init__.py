"""minigrok: watch a neural network's hidden layer as a density matrix while the network learns.

The public names, imported when they are first used, so that `import minigrok` itself is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrok.version import __version__ as __version__

if TYPE_CHECKING:
    from minigrok import plots as plots
    from minigrok import tasks as tasks
    from minigrok.accumulator import DensityAccumulator as DensityAccumulator
    from minigrok.density import activation_spectrum as activation_spectrum
    from minigrok.density import density_matrix as density_matrix
    from minigrok.density import spectrum as spectrum
    from minigrok.dos import DensityOfStates as DensityOfStates
    from minigrok.ensemble import TrainingRun as TrainingRun
    from minigrok.ensemble import train_many as train_many
    from minigrok.gradients import entropy_gradient as entropy_gradient
    from minigrok.gradients import purity_gradient as purity_gradient
    from minigrok.grams import CONVENTIONS as CONVENTIONS
    from minigrok.history import History as History
    from minigrok.history import Moment as Moment
    from minigrok.metrics import effective_rank as effective_rank
    from minigrok.metrics import linear_entropy as linear_entropy
    from minigrok.metrics import participation_ratio as participation_ratio
    from minigrok.metrics import purity as purity
    from minigrok.metrics import renyi_entropy as renyi_entropy
    from minigrok.metrics import von_neumann_entropy as von_neumann_entropy
    from minigrok.metrics import weight_entropy as weight_entropy
    from minigrok.mlp import MLP as MLP
    from minigrok.optimizers import SGD as SGD
    from minigrok.optimizers import AdamW as AdamW
    from minigrok.runs.sweep import sweep as sweep
    from minigrok.schedules import Cosine as Cosine
    from minigrok.schedules import StepDecay as StepDecay
    from minigrok.schedules import Warmup as Warmup
    from minigrok.showing import show as show
    from minigrok.states.distances import bures_angle as bures_angle
    from minigrok.states.distances import bures_distance as bures_distance
    from minigrok.states.distances import fidelity as fidelity
    from minigrok.states.distances import hilbert_schmidt_distance as hilbert_schmidt_distance
    from minigrok.states.distances import jensen_shannon_divergence as jensen_shannon_divergence
    from minigrok.states.distances import linear_cka as linear_cka
    from minigrok.states.distances import relative_entropy as relative_entropy
    from minigrok.states.distances import root_fidelity as root_fidelity
    from minigrok.states.distances import state_overlap as state_overlap
    from minigrok.states.distances import subspace_overlap as subspace_overlap
    from minigrok.states.distances import trace_distance as trace_distance
    from minigrok.states.functionals import l1_coherence as l1_coherence
    from minigrok.states.functionals import min_entropy as min_entropy
    from minigrok.states.functionals import normalised_entropy as normalised_entropy
    from minigrok.states.functionals import numerical_rank as numerical_rank
    from minigrok.states.functionals import purity_bounds as purity_bounds
    from minigrok.states.functionals import relative_entropy_of_coherence as relative_entropy_of_coherence
    from minigrok.states.functionals import spectral_gap as spectral_gap
    from minigrok.states.functionals import stable_rank as stable_rank
    from minigrok.states.functionals import tsallis_entropy as tsallis_entropy
    from minigrok.states.labels import class_overlaps as class_overlaps
    from minigrok.states.labels import class_states as class_states
    from minigrok.states.labels import holevo_gradient as holevo_gradient
    from minigrok.states.labels import holevo_information as holevo_information
    from minigrok.states.measure import StateMetrics as StateMetrics
    from minigrok.states.measure import measure as measure
    from minigrok.states.measure import measure_state as measure_state
    from minigrok.states.readers import as_matrix as as_matrix
    from minigrok.states.readers import groups_of_places as groups_of_places
    from minigrok.states.sampling_error import sampling_error as sampling_error
    from minigrok.stopping import patience as patience
    from minigrok.stopping import stop_when as stop_when
    from minigrok.study.reproduce import reproduce as reproduce
    from minigrok.systems import BinaryPerceptron as BinaryPerceptron
    from minigrok.systems import Box as Box
    from minigrok.systems import Ising2D as Ising2D
    from minigrok.systems import NetworkLandscape as NetworkLandscape
    from minigrok.training import train as train
    from minigrok.wanglandau import WangLandau as WangLandau

# name -> module that holds it
_HOME = {
    "DensityAccumulator": "accumulator",
    "density_matrix": "density", "activation_spectrum": "density", "spectrum": "density", "CONVENTIONS": "grams",
    "von_neumann_entropy": "metrics", "renyi_entropy": "metrics", "purity": "metrics", "linear_entropy": "metrics",
    "effective_rank": "metrics", "participation_ratio": "metrics", "weight_entropy": "metrics",
    "entropy_gradient": "gradients", "purity_gradient": "gradients",
    "MLP": "mlp", "SGD": "optimizers", "AdamW": "optimizers", "train": "training", "Moment": "history",
    "Cosine": "schedules", "StepDecay": "schedules", "Warmup": "schedules",
    "patience": "stopping", "stop_when": "stopping",
    "train_many": "ensemble", "TrainingRun": "ensemble", "History": "history",
    "measure": "states.measure", "measure_state": "states.measure", "StateMetrics": "states.measure",
    "as_matrix": "states.readers", "groups_of_places": "states.readers", "sampling_error": "states.sampling_error",
    "relative_entropy": "states.distances", "jensen_shannon_divergence": "states.distances",
    "trace_distance": "states.distances", "fidelity": "states.distances", "bures_angle": "states.distances",
    "bures_distance": "states.distances", "linear_cka": "states.distances", "root_fidelity": "states.distances",
    "hilbert_schmidt_distance": "states.distances", "state_overlap": "states.distances",
    "subspace_overlap": "states.distances",
    "tsallis_entropy": "states.functionals", "min_entropy": "states.functionals",
    "normalised_entropy": "states.functionals", "numerical_rank": "states.functionals",
    "stable_rank": "states.functionals", "spectral_gap": "states.functionals", "purity_bounds": "states.functionals",
    "l1_coherence": "states.functionals", "relative_entropy_of_coherence": "states.functionals",
    "class_states": "states.labels", "class_overlaps": "states.labels", "holevo_information": "states.labels",
    "holevo_gradient": "states.labels",
    "WangLandau": "wanglandau", "DensityOfStates": "dos", "Ising2D": "systems", "Box": "systems",
    "NetworkLandscape": "systems", "BinaryPerceptron": "systems", "show": "showing", "reproduce": "study.reproduce",
    "sweep": "runs.sweep",
}
_MODULES = ("tasks", "plots")
__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"minigrok.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'minigrok' has no attribute {name!r}")
    found = getattr(import_module(f"minigrok.{_HOME[name]}"), name)
    globals()[name] = found                              # the next time it is there at once
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
