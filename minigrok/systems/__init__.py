"""What can be sampled: systems with a known answer, and the landscape of networks.

Those that the lessons walk over are written here. Box and BinaryPerceptron are there to hold the sampler to an exact
answer; so they lie beside those answers in `minigrok.exact`, which is no part of the textbook.
"""

from minigrok.exact.box import Box as Box
from minigrok.exact.perceptron import BinaryPerceptron as BinaryPerceptron
from minigrok.systems.ising import Ising2D as Ising2D
from minigrok.systems.network import NetworkLandscape as NetworkLandscape
