# Everything below needs Python 3.11 or newer, git and make; the rest is set up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help demo test lint format bench screens clean

help:
	@echo "make demo    watch the main job run end to end, no account needed"
	@echo "make test    run the tests"
	@echo "make lint    ruff and mypy"
	@echo "make format  let ruff rewrite the code"
	@echo "make bench   compare with what you would run instead"
	@echo "make screens draw the pictures of docs/screens"
	@echo "make clean   remove the virtual environment"

$(STAMP): pyproject.toml tools/check-python.py
	@$(PYTHON) tools/check-python.py || { \
	  command -v $(PYTHON) >/dev/null 2>&1 || echo "No $(PYTHON) on PATH: install Python 3.11 or newer, or type: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
	  exit 1; }
	@echo "Setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/akosha-hook demo

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=worksteal

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.bench
	@$(BIN)/python -m bench

$(VENV)/.bench: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

screens: $(STAMP)
	@$(BIN)/python tools/screens.py

clean:
	rm -rf $(VENV)
