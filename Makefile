# `make demo` and `make test` each do all their own set-up: they need only Python 3.11+, make and a C compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test notebooks setup lint types clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once; a few minutes where downloads are slow) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# without compiling all modules now: Python does it when one is first imported, and most never are
	@$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[dev]"
	@touch $@

setup: $(VENV)/.ready  ## make the virtual environment .venv

demo: setup  ## set up, then evolve modular networks and draw them (minutes)
	@$(BIN)/evo run clune2013-retina --scale laptop --out runs/demo --resume
	@$(BIN)/evo report runs/demo

notebooks: setup  ## execute the notebooks and store them with their figures
	@$(BIN)/python notebooks/execute.py

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

test: setup lint types  ## set up, then lint, type-check and run every test
	@OMP_WAIT_POLICY=passive $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadscope --no-loadscope-reorder

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
