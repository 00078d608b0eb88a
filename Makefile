# Two commands are enough: `make run` paints, `make test` proves. `make help` lists the others.

PYTHON ?= python3
VENV   ?= .venv
# PyTorch's own index of CPU builds; the other one brings gigabytes of CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0$(if $(filter Linux,$(shell uname -s)),+cpu,)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help run test check lint types bench bench-starter chromium clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## install what is needed and start Atelier on http://127.0.0.1:7860
	@exec $(BIN)/atelier serve

test: $(VENV)/.dev chromium lint types ## lint, types and the whole test suite (under 30 minutes on 2 cores)
	$(BIN)/python -m pytest

check: $(VENV)/.dev lint types ## the inner loop: lint, types and the fast tests (under 3 minutes)
	$(BIN)/python -m pytest -q -m "not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

bench: $(VENV)/.dev ## measure this machine: medians and ratios, asserted nowhere
	$(BIN)/python -m tests.bench

bench-starter: $(VENV)/.dev ## judge the starter model with a probe network: the table, whatever it says
	$(BIN)/python -m engine.starter judge

chromium: ## the browser that the page's tests drive
	@sh tests/chromium.sh

clean: ## remove the virtual environment and what tools left behind (never the data folder)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info

# --- the virtual environment: torch first, so that nothing pulls in another build of it ---
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Atelier needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Making the virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (on Debian: apt install python3-venv)"; exit 1; }

$(VENV)/.torch: | $(BIN)/python
	@echo "Installing PyTorch (CPU build), about 200 MB …"
	@$(PIP) install --extra-index-url $(TORCH_INDEX) "$(TORCH)"
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.torch
	@echo "Installing Atelier …"
	@$(PIP) install -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.torch
	@echo "Installing Atelier and what its tests need …"
	@$(PIP) install -e ".[dev]"
	@touch $@ $(VENV)/.run
