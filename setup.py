"""Where the packages lie: `experiments/` and `conf/` are beside `pinn/` in a checkout and inside it in a wheel."""

from setuptools import find_packages, setup

experiments = ["pinn." + name for name in find_packages(include=["experiments", "experiments.*"])]

setup(
    packages=[*find_packages(include=["pinn", "pinn.*"]), *experiments, "pinn.conf"],
    package_dir={"pinn.experiments": "experiments", "pinn.conf": "conf"},
)
