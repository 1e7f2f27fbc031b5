"""Other libraries on the same problems, each run in a process of its own: `python -m experiments.peers RUN RESULT`.

The benchmark starts this package and imports its recipes, nothing else. `pip install .[peers]` brings the libraries.
"""
