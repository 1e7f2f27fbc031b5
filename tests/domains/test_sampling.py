"""Every set: exact counts, points in it, determinism, evenness, and errors that say what to do."""

import math

import pytest
import torch

from pinn import domains
from pinn.domains import (
    Annulus,
    Ball,
    Box,
    Capsule,
    Disc,
    Domain,
    Ellipse,
    FunctionSpace,
    GaussianField,
    LevelSet,
    Mesh,
    Polygon,
    Scatter,
    Spline,
)
from pinn.domains.cube import METHODS

SQUARE = Box(x=(-1, 1), y=(-1, 1))
L = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
HOLED = Box(x=(-0.5, 0.5), y=(-0.5, 0.5)) - Disc(x=0.3, y=0.3, radius=0.1) - Disc(x=-0.3, y=0.3, radius=0.1)
SETS = {
    "interval": Box(x=(2, 5)),
    "box": Box(x=(-1, 1), t=(0, 1e-3)),
    "box in five": Box(**{f"x{i}": (0, 1) for i in range(5)}),
    "face": Box(x=(-1, 1), y=(0, 2), t=(0, 1)).face(y=2),
    "edge": Box(x=(-1, 1), y=(0, 2), t=(0, 1)).face(y=2, t=0),
    "walls": SQUARE.face(x=-1) | SQUARE.face(x=1) | SQUARE.face(y=-1),
    "box boundary": Box(x=(-1, 1), y=(0, 2), z=(0, 1)).boundary(),
    "disc": Disc(x=0.3, y=1, radius=0.5),
    "circle": Disc(x=0.3, y=1, radius=0.5).boundary(),
    "ball": Ball(x=0, y=1, z=2, radius=3),
    "sphere": Ball(x=0, y=1, z=2, radius=3).boundary(),
    "ball in five": Ball(**{f"x{i}": i for i in range(5)}, radius=2),
    "sphere in four": Ball(**{f"x{i}": i for i in range(4)}, radius=2).boundary(),
    "polygon": L,
    "outline": L.boundary(),
    "holes": HOLED,
    "boundary of holes": HOLED.boundary(),
    "union": SQUARE | Disc(x=1, y=0, radius=0.5),
    "boundary of union": (SQUARE | Disc(x=1, y=0, radius=0.5)).boundary(),
    "intersection": SQUARE & Disc(x=1, y=0, radius=0.5),
    "boundary of intersection": (SQUARE & Disc(x=1, y=0, radius=0.5)).boundary(),
    "arc": Disc(x=1, y=0, radius=0.5).boundary() - SQUARE,
    "walls without the lid": SQUARE.boundary() - SQUARE.face(y=1),
    "cylinder": Disc(x=0, y=0, radius=1) * Box(t=(0, 2)),
    "boundary of cylinder": (Disc(x=0, y=0, radius=1) * Box(t=(0, 2))).boundary(),
    "holes in time": HOLED * Box(t=(0, 2)),
    "sides of holes in time": HOLED.boundary() * Box(t=(0, 2)),
    "lines": Scatter({"x": [0.0, 1.0, 3.0]}) * Box(t=(0, 2)),
    "a hole's half": HOLED.part(lambda x, y: (x > 0.3) & (x < 0.45)),
    "tetrahedron": Mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
    "quartic": LevelSet(lambda x, y: x**4 + y**4 - 1, x=(-1.1, 1.1), y=(-1.1, 1.1)),
    "clover": Spline([(1, 0), (0.5, 1), (0, 0.4), (-0.5, 1), (-1, 0), (0, -1)]),
    "ellipse": Ellipse(x=1, y=0, radii=(2, 0.5), angle=0.3),
    "annulus": Annulus(x=1, y=0, radii=(1, 2)),
    "torus": Disc(r=2, z=0, radius=0.5).revolved(r=("x", "y")),
    "boundary of ellipse": Ellipse(x=1, y=0, radii=(2, 0.5), angle=0.3).boundary(),
    "capsule": Capsule({"x": 0, "y": 0, "z": 0}, {"x": 0, "y": 3, "z": 4}, radius=1),
    "growing disc": Disc(x=0.0, y="t", radius=lambda t: 0.5 + t) * Box(t=(0, 1)),
    "functions": SQUARE.function(f=GaussianField("x", terms=2)).functions["f"],
    "functions on walls": SQUARE.function(f=GaussianField("x", terms=2)).boundary(),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_set_that_is_exported_is_tried():
    """Observations come whole, whatever number is asked for, and are tried with the shapes."""
    exported = {value for value in map(domains.__dict__.get, domains.__all__) if isinstance(value, type)}
    sets = {kind for kind in exported if issubclass(kind, Domain)}
    assert sets - {type(made) for made in SETS.values()} == {Domain, Scatter}


@pytest.fixture(params=SETS, ids=[name.replace(" ", "_") for name in SETS])
def domain(request):
    return SETS[request.param]


@pytest.mark.parametrize("method", METHODS)
def test_exactly_n_points_lie_in_the_set(domain, method):
    for n in (1, 2, 7, 100, 257):
        points = domain.sample(n, generator=seeded(), method=method)
        assert points.n == n
        assert points.names == domain.coordinates
        assert points.x.dtype == torch.float64
        assert bool(domain.contains(points.x).all())


def test_points_lie_within_the_bounds(domain):
    points = domain.sample(200, generator=seeded())
    for name, (low, high) in domain.bounds.items():
        slack = 1e-12 * max(abs(low), abs(high))
        assert float(points.column(name).min()) >= low - slack
        assert float(points.column(name).max()) <= high + slack


@pytest.mark.parametrize("method", METHODS)
def test_the_generator_decides_and_nothing_else(domain, method):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = domain.sample(50, generator=seeded(3), method=method).x
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(one, domain.sample(50, generator=seeded(3), method=method).x)
    assert not torch.equal(one, domain.sample(50, generator=seeded(4), method=method).x)


def test_a_generator_moves_on_between_draws():
    generator = seeded()
    one, two = (SQUARE.sample(16, generator=generator).x for _ in range(2))
    assert not torch.equal(one, two)


def test_sobol_integrates_better_than_independent_points():
    """Root-mean-square error of the mean of a smooth function over the square, of 20 draws of 1024 points."""
    exact = math.sinh(1) * math.sin(1)

    def error(method):
        errors = []
        for seed in range(20):
            x = SQUARE.sample(1024, generator=seeded(seed), method=method).x
            errors.append(float((torch.exp(x[:, 0]) * torch.cos(x[:, 1])).mean()) - exact)
        return math.sqrt(sum(e**2 for e in errors) / len(errors))

    assert error("sobol") < error("latin") / 3
    assert error("latin") < error("uniform") / 1.5


def test_sobol_errors_fall_faster_than_the_root_of_n():
    """On the ball, through a curved chart: the mean of |x|² is 3/5 R²."""
    ball = Ball(x=0, y=0, z=0, radius=1)

    def error(n):
        means = [float(ball.sample(n, generator=seeded(seed)).x.pow(2).sum(1).mean()) for seed in range(10)]
        return math.sqrt(sum((mean - 0.6) ** 2 for mean in means) / len(means))

    assert error(64) / error(4096) > 64**0.8


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name", ["disc", "ball", "ball in five", "polygon", "holes", "union", "intersection", "ellipse"]
)
def test_points_are_spread_evenly(name, method):
    """Each half space through the middle of the bounds holds its share, as estimated by brute force."""
    domain = SETS[name]
    brute = Box(**domain.bounds).sample(2**16, generator=seeded(7)).x
    inside = brute[domain.contains(brute)]
    drawn = domain.sample(4096, generator=seeded(8), method=method).x
    for column, (low, high) in enumerate(domain.bounds.values()):
        middle = low + 0.4 * (high - low)
        share, found = ((x[:, column] < middle).double().mean() for x in (inside, drawn))
        assert abs(float(share - found)) < 0.03


def test_latin_points_fill_every_slice_once():
    x = Box(x=(0, 1), y=(0, 1)).sample(50, generator=seeded(), method="latin").x
    for column in x.T:
        assert (column * 50).floor().long().sort().values.tolist() == list(range(50))


def test_a_union_shares_points_in_proportion_to_measure():
    box = Box(x=(0, 3), t=(0, 1))
    x = (box.face(t=0) | box.face(x=0)).sample(400, generator=seeded()).x
    assert int((x[:, 1] == 0).sum()) == 300
    # With too few points for all faces, every face gets its turn.
    cube = Box(**{f"x{i}": (0, 1) for i in range(4)})
    seen = torch.cat([cube.boundary().sample(2, generator=seeded(seed)).normals for seed in range(60)])
    assert len(seen.unique(dim=0)) == 8


def test_the_measure_of_a_sample_is_that_of_the_set(domain):
    """Estimates agree with brute force where there is any, and every chart reports what it keeps."""
    assert domain.measure > 0
    if isinstance(domain, FunctionSpace):
        assert domain.measure == 1  # a probability
    elif domain.dimension == len(domain.coordinates):
        around = Box(**domain.bounds)
        share = domain.contains(around.sample(2**14, generator=seeded(5)).x).double().mean()
        assert domain.measure == pytest.approx(float(share) * around.measure, rel=0.02)


def test_what_cannot_be_meant_is_refused(domain):
    with pytest.raises(ValueError, match=r"sample: got n=0, expected an integer of at least 1; give n >= 1"):
        domain.sample(0, generator=seeded())
    with pytest.raises(
        ValueError, match=r"sample: got method='sobl'; choose among \['sobol', 'halton', 'latin', 'uniform'\]"
    ):
        domain.sample(3, generator=seeded(), method="sobl")
    with pytest.raises(ValueError, match=r"contains: got shape \(3,\), expected \(n, \d\)"):
        domain.contains(torch.zeros(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"grid: got n=2.5, expected an integer of at least 1"):
        domain.grid(2.5)


def test_an_empty_set_is_refused_when_it_is_sampled():
    empty = Disc(x=0, y=0, radius=0.5) - SQUARE
    assert empty.measure == 0
    with pytest.raises(ValueError, match=r"sample: Difference\(.*\) is empty"):
        empty.sample(3, generator=seeded())
    sliver = Box(x=(0, 1), y=(0, 1)) & Disc(x=0.5, y=0.5, radius=1e-6)
    assert sliver.sample(5, generator=seeded()).n == 5


def test_grids_hold_the_ends_and_stay_inside():
    assert Box(x=(0, 1)).grid(5).x[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    grid = Box(x=(-1, 1), t=(0, 2)).grid(3)
    assert grid.x.tolist()[:4] == [[-1, 0], [-1, 1], [-1, 2], [0, 0]]
    assert Box(x=(-1, 1), t=(0, 2)).face(t=2).grid(3).x.tolist() == [[-1, 2], [0, 2], [1, 2]]
    assert L.grid(21).n == 21**2 - 10**2
    assert bool(HOLED.contains(HOLED.grid(41).x).all())
    assert Disc(x=0, y=0, radius=1).boundary().grid(8).x.unique(dim=0).shape == (8, 2)


def test_grids_of_every_set_lie_in_it(domain):
    points = domain.grid(6)
    assert bool(domain.contains(points.x).all())
    with_normals = domain.sample(3, generator=seeded()).normals is not None
    assert (points.normals is not None) == (with_normals and domain.dimension < len(domain.coordinates))


def test_float32_points_belong_as_well(domain):
    points = domain.sample(100, generator=seeded()).x.float()
    assert bool(domain.contains(points).all())
