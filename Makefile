# demo, test, lint, bench; each makes .venv and installs only if that is needed.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Of the tests: more threads than free cores are many times slower than one, each waiting for the last of them.
THREADS ?= 1
# Compiled modules are kept, whatever the caller's environment says: tests load the library in many processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test slow long faults docs test-kernels test-kernels-quick test-repeat lint bench bench-peers \
	bench-rivals bench-difficulty bench-gpu clean

help:
	@echo "make demo   Burgers' equation: solved, measured against its exact solution, pictured; under three minutes"
	@echo "make test   the mathematics, checked (make slow: the dearer tests, run before a change lands too)"
	@echo "make long   the dearest runs, to the last decades of an error; not part of .ci/run"
	@echo "make faults  kills, signals, damaged files, full disks and wrong configurations, provoked; under ten minutes"
	@echo "make test-kernels  the numerical tests on the kernels of other processors, with two threads, on a busy machine"
	@echo "make test-repeat   pairs of runs that must be bitwise equal, under load, other clocks, threads and settings"
	@echo "make docs   the documentation as a site, in build/site; every warning is an error"
	@echo "make lint   format, lint and types"
	@echo "make bench  the public suite at 10 and 60 s: three seeds of every problem, tables and pictures (an hour; can be resumed)"
	@echo "make bench-peers  DeepXDE and PINA beside this library in one interleaved run"
	@echo "make bench-rivals  scimba, jinns and classical solvers beside it: who wins where (two hours; can be resumed)"
	@echo "make bench-difficulty  error against seconds as problems get harder (a quarter hour; can be resumed)"
	@echo "make bench-gpu  a processor beside a card, under five minutes"

$(STAMP): pyproject.toml setup.py constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	@echo "two minutes: Burgers' equation by three methods"
	@$(BIN)/python -m experiments.demo

test: $(STAMP)
	@OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -q -n 2 --dist worksteal

slow: $(STAMP)
	@OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -q -m slow -n 2 --dist worksteal

long: $(STAMP)
	@OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -q -m long -n 2 --dist worksteal

faults: $(STAMP)
	@OMP_NUM_THREADS=$(THREADS) $(BIN)/python -m pytest -q -m "faults or not slow" tests/faults \
		tests/experiments/command_line/test_wrong_configurations.py

test-kernels: $(STAMP)
	@$(BIN)/python tests/kernels.py

test-kernels-quick: $(STAMP)
	@$(BIN)/python tests/kernels.py --quick

test-repeat: $(STAMP)
	@$(BIN)/python tests/repeatability.py

docs: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@touch build/site.built
	@echo "build/site/index.html"

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m experiments.benchmark seconds=10 folder=outputs/benchmark_10
	@$(BIN)/python -m experiments.benchmark seconds=60 folder=outputs/benchmark_60

# The peers live apart from this library's own environment, whose versions they would change.
bench-peers: $(STAMP)
	@test -x .venv/peers/bin/python || $(PYTHON) -m venv .venv/peers
	.venv/peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]'
	@$(BIN)/python -m experiments.benchmark folder=outputs/benchmark_peers methods=[default,deepxde,pina] \
		problems=[poisson_2d,helmholtz_1_4,burgers,allen_cahn,wave_1d,diffusion_inverse] \
		peers_python=.venv/peers/bin/python

bench-rivals: $(STAMP)
	@test -x .venv/rivals/bin/python || $(PYTHON) -m venv .venv/rivals
	.venv/rivals/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[rivals]'
	@$(BIN)/python -m experiments.benchmark account=rivals folder=outputs/benchmark_rivals \
		methods=[default,scimba,scimba_ssbroyden,jinns,scikit_fem,collocation,scipy] seconds=60 \
		rivals_python=.venv/rivals/bin/python

bench-difficulty: $(STAMP)
	@$(BIN)/python -m experiments.benchmark_difficulty

bench-gpu: $(STAMP)
	@$(BIN)/python -m experiments.benchmark_gpu

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
