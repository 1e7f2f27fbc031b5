"""What a run was made with is said in words, of every network of the library and what linear solves make of it."""

from functools import partial

import pytest
import torch

from pinn.networks import FBPINN, MLP, ByOutput, Chebyshev, CornerFunctions, Enriched, Lifted, Separable, Windows
from pinn.networks.random_features import FeatureDraw
from pinn.optimizers import FirstOrder, LevenbergMarquardt
from pinn.training import Stage
from pinn.training.choice import chosen, in_words

SOURCE = torch.Generator().manual_seed(0)
SMALL = MLP(2, 1, width=3, depth=1, generator=SOURCE)
PLANE = Chebyshev([1, 1], [(0, 0), (2, 1)])


def lifted():
    return Lifted(SMALL, FeatureDraw(torch.zeros(7, 5).double(), torch.zeros(7).double(), 3))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Enriched(2, 1, bases=[PLANE]), "a sum of 2 polynomials to degree 2 × 1"),
        (
            Enriched(2, 1, bases=[PLANE, *2 * [CornerFunctions([0.0, 0.0], [1.0, 1.0], 0.0, [0.5], [])]]),
            "a sum of 2 polynomials to degree 2 × 1 and 4 functions of corners",
        ),
        (Enriched(2, 1, bases=[lifted()], network=SMALL), "corrected by a sum of 7 fixed neurons over its last layer"),
        (Enriched(2, 1, bases=[PLANE], network=SMALL, frozen=False), "beside a sum of 2 polynomials to degree 2 × 1"),
        (
            Windows(2, 1, layout=[1, 1], time=1, edges=[-1.0, 0.0, 1.0], neurons=(5, 3)),
            "2 windows of time, in each a sum of at most 5 × 3 products of functions of space and time",
        ),
        (
            Windows(1, 1, layout=[1], time=0, edges=[-1.0, 1.0], neurons=(1, 3)),
            "1 window of time, in each a sum of at most 3 functions of time",
        ),
        (
            ByOutput(2, 2, parts=[{"outputs": [place], "network": SMALL} for place in (0, 1)]),
            "output 2: MLP(inputs=2, outputs=1, width=3, depth=1, activation=tanh, residual=False)",
        ),
        (FBPINN(2, 1, subdomains=(2, 3), generator=SOURCE), "FBPINN(inputs=2, outputs=1, subdomains=[2, 3], "),
        (Separable(2, 1, generator=SOURCE), "Separable(inputs=2, outputs=1, rank=20, width=20, depth=2, "),
    ],
)
def test_a_network_in_words(network, words):
    assert words in in_words(network)


def test_what_was_not_used_is_not_said_to_be_chosen():
    stages = [Stage(LevenbergMarquardt())]
    assert set(chosen(SMALL, stages)) == {"network", "optimizer", "sampling", "weighting"}
    solved = chosen(Enriched(2, 1, bases=[PLANE]), stages, trained=False)
    assert solved["optimizer"] == "linear least squares; nothing was trained" and "sampling" not in solved
    assert chosen(SMALL, stages, trained=False)["optimizer"] == "no step was taken"


def test_an_optimizer_of_torch_is_named():
    stages = [Stage(FirstOrder(partial(torch.optim.AdamW, lr=1e-3))), Stage(LevenbergMarquardt())]
    assert chosen(SMALL, stages)["optimizer"] == "FirstOrder(AdamW(lr=0.001)), then LevenbergMarquardt"


def test_neurons_over_a_network_without_hidden_values_are_over_its_outputs():
    network = Separable(2, 1, rank=2, generator=SOURCE)
    basis = Lifted(network, FeatureDraw(torch.zeros(7, 3).double(), torch.zeros(7).double(), 3))
    words = in_words(Enriched(2, 1, bases=[basis], network=network))
    assert words.endswith("corrected by a sum of 7 fixed neurons over its outputs")


def test_networks_side_by_side_are_told_by_the_names_of_their_outputs():
    parts = [{"outputs": places, "network": SMALL} for places in ([2], [0, 1])]
    said = in_words(ByOutput(2, 3, parts=parts), ("u", "v", "p"))
    assert said.startswith("p: MLP(") and "; u, v: MLP(" in said
