"""Where a problem lives: boxes, balls, polygons, their boundaries and combinations, observations, points on them."""

from pinn.domains.ball import Ball, Disc
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box, Face
from pinn.domains.chart import Chart
from pinn.domains.combined import Difference, Intersection, Union
from pinn.domains.domain import Domain
from pinn.domains.points import Points
from pinn.domains.polygon import Polygon
from pinn.domains.product import Product
from pinn.domains.scatter import Point, Scatter

__all__ = [
    "Ball",
    "Boundary",
    "Box",
    "Chart",
    "Difference",
    "Disc",
    "Domain",
    "Face",
    "Intersection",
    "Point",
    "Points",
    "Polygon",
    "Product",
    "Scatter",
    "Union",
]
