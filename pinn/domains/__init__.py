"""Where a problem lives: boxes, balls, polygons, shapes made of them, boundaries, combinations, points on them."""

from pinn.domains.ball import Ball
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box, Face
from pinn.domains.capsule import Capsule
from pinn.domains.chart import Chart
from pinn.domains.combined import Difference, Intersection, Union
from pinn.domains.domain import Domain
from pinn.domains.function_space import FunctionSpace
from pinn.domains.image import Image, Parametric
from pinn.domains.level_set import Cloud, LevelSet
from pinn.domains.mesh import Mesh
from pinn.domains.part import Part
from pinn.domains.planar import from_shapely
from pinn.domains.points import Points
from pinn.domains.polygon import Polygon
from pinn.domains.product import Product
from pinn.domains.projection import Projection
from pinn.domains.random_function import GaussianField, RandomFunction, RandomSeries
from pinn.domains.revolved import Revolved
from pinn.domains.scatter import Point, Scatter
from pinn.domains.shapes import Annulus, Cone, Cylinder, Disc, Ellipse, Sector, Torus, Triangle
from pinn.domains.spline import Spline

__all__ = [
    "Annulus",
    "Ball",
    "Boundary",
    "Box",
    "Capsule",
    "Chart",
    "Cloud",
    "Cone",
    "Cylinder",
    "Difference",
    "Disc",
    "Domain",
    "Ellipse",
    "Face",
    "FunctionSpace",
    "GaussianField",
    "Image",
    "Intersection",
    "LevelSet",
    "Mesh",
    "Parametric",
    "Part",
    "Point",
    "Points",
    "Polygon",
    "Product",
    "Projection",
    "RandomFunction",
    "RandomSeries",
    "Revolved",
    "Scatter",
    "Sector",
    "Spline",
    "Torus",
    "Triangle",
    "Union",
    "from_shapely",
]
