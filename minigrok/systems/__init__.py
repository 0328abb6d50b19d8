"""What can be sampled: systems with a known answer, and the landscape of networks."""

from minigrok.exact.box import Box as Box
from minigrok.exact.perceptron import BinaryPerceptron as BinaryPerceptron
from minigrok.systems.ising import Ising2D as Ising2D
from minigrok.systems.network import NetworkLandscape as NetworkLandscape
