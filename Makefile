# Two commands are enough: `make run` paints, `make test` proves. `make help` lists the others.

PYTHON ?= python3
VENV   ?= .venv
MINUTES ?= 60
# PyTorch's own index of CPU builds; the other one brings gigabytes of CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0$(if $(filter Linux,$(shell uname -s)),+cpu,)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
BENCHES := $(addprefix bench-,engine start submits watching queue discord telegram enlarging)
.PHONY: help run test check soak lint types bench bench-starter bench-upscale bench-plot $(BENCHES) chromium image image-smoke clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## install what is needed and start Atelier on http://127.0.0.1:7860
	@exec $(BIN)/atelier serve

test: $(VENV)/.dev chromium lint types ## lint, types and the whole test suite (under 30 minutes on 2 cores)
	$(BIN)/python -m pytest

check: $(VENV)/.dev lint types ## the inner loop: lint, types and the fast tests (under 3 minutes)
	$(BIN)/python -m pytest -q -m "not slow"

soak: $(VENV)/.dev ## the real process for MINUTES (60) with restless people, faults and kills; a verdict at the end
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff check -q --preview --select PLW1514 . # a text's encoding, never the locale's
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

bench: $(VENV)/.dev ## measure this machine (under 15 minutes), write table and plot; asserts nothing
	$(BIN)/python -m tests.bench

bench-engine: ## only: the starter and a model of real size against plain optimum-intel (5 minutes; the first time 12)
bench-start: ## only: from the start of the process to the first answer and picture
bench-submits: ## only: 100 submits a second from 200 people while the engine paints
bench-watching: ## only: 200 pages that watch events
bench-queue: ## only: 100,000 jobs waiting, 1,000,000 finished
bench-discord: ## only: first answers on Discord
bench-telegram: ## only: 200 Telegram chats at once
bench-enlarging: ## only: 512² to 2048², against plain PyTorch, and its memory

$(BENCHES): bench-%: $(VENV)/.dev
	$(BIN)/python -m tests.bench $* $(if $(filter engine,$*),large)

bench-plot: $(VENV)/.dev ## draw table and plot anew from tests/bench/results
	$(BIN)/python -m tests.bench.drawing

bench-starter: $(VENV)/.dev ## judge the starter model with a probe network: the table, whatever it says
	$(BIN)/python -m engine.starter judge

bench-upscale: $(VENV)/.dev ## the networks that enlarge: decibels over Lanczos, then bench-enlarging
	$(BIN)/python -m tests.bench.upscale
	$(BIN)/python -m tests.bench enlarging

chromium: ## the browser that the page's tests drive
	@sh tests/chromium.sh

image: ## build the container image with docker, podman or buildah and print its size
	@sh deploy/image.sh

image-smoke: ## paint and serve inside the built image, read-only and as its own user
	@sh deploy/smoke.sh

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
