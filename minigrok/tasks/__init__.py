"""The data, one function a task: `tasks.moons(n=400, seed=0)`, `tasks.modular(97)`, `tasks.from_arrays(X, y)`."""

from minigrok.tasks.arrays import from_arrays as from_arrays
from minigrok.tasks.base import Task as Task
from minigrok.tasks.modular import AnyTask as AnyTask
from minigrok.tasks.modular import ModularTask as ModularTask
from minigrok.tasks.modular import modular as modular
from minigrok.tasks.modular import shuffle_labels as shuffle_labels
from minigrok.tasks.planar import blobs as blobs
from minigrok.tasks.planar import circles as circles
from minigrok.tasks.planar import halfspace as halfspace
from minigrok.tasks.planar import moons as moons
from minigrok.tasks.planar import spirals as spirals
from minigrok.tasks.planar import xor as xor
