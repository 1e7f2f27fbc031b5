"""Other libraries on the same problems, each run in a process of its own: `python -m experiments.peers RUN RESULT`.

Nothing else imports this package; the benchmark starts it. `pip install .[peers]` brings the libraries.
"""
