# Everything below needs Python 3.11 or newer, git and make; the rest is set up in .venv.
# With PYTHON=... it is set up in .venv-<version> instead, so that several can be tested side by side.
ifeq ($(origin PYTHON), undefined)
PYTHON := python3
VENV := .venv
endif
ifndef VENV
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
BIN := $(VENV)/bin
EXTRA ?= dev
STAMP := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses=4 --dist=worksteal

.PHONY: help setup demo quick test slow coverage lint format changelog dist bench screens clean

help:
	@echo "make demo      watch the main job run end to end, no account needed"
	@echo "make setup     set up $(VENV), and nothing else"
	@echo "make quick     the tests that need no server: under a minute"
	@echo "make test      the tests, but for the longest: minutes"
	@echo "make slow      all tests"
	@echo "make coverage  what make test runs, with the lines that it does not reach"
	@echo "make lint      ruff, mypy, and checks of workflows, forms and changelog"
	@echo "make format    let ruff rewrite the code"
	@echo "make changelog VERSION=x.y.z   collect changelog/ into CHANGELOG.md"
	@echo "make dist      build the package into dist/"
	@echo "make bench     compare with what you would run instead"
	@echo "make screens   draw the pictures of docs/screens"
	@echo "make clean     remove the virtual environments and what was built"

$(STAMP): pyproject.toml tools/check-python.py tools/package_metadata.py
	@$(PYTHON) tools/check-python.py || { \
	  command -v $(PYTHON) >/dev/null 2>&1 || echo "No $(PYTHON) on PATH: install Python 3.11 or newer, or type: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
	  exit 1; }
	@echo "Setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRA)]'
	@touch $(STAMP)

setup: $(STAMP)

demo: $(STAMP)
	@$(BIN)/akosha-hook demo

quick: $(STAMP)
	@$(PYTEST) -m quick

test: $(STAMP)
	@$(PYTEST) -m "not slow"

slow: $(STAMP)
	@$(PYTEST)

# The workers of a run and whatever the tests start write a file each, which are put together.
coverage: $(STAMP)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n auto --maxprocesses=4 --dist=worksteal -m "not slow" $(TESTS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo pyproject.toml >/dev/null || $(BIN)/lint-imports --no-logo pyproject.toml
	@$(BIN)/zizmor --offline --quiet --no-progress .
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	@$(BIN)/pre-commit validate-config .pre-commit-config.yaml
	@$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml
	@$(BIN)/towncrier build --draft --version next >/dev/null 2>&1 || { $(BIN)/towncrier build --draft --version next; exit 1; }

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

changelog: $(STAMP)
	@test -n "$(VERSION)" || { echo "Which version? Type: make changelog VERSION=x.y.z"; exit 1; }
	@$(BIN)/towncrier build --yes --version $(VERSION)

dist: $(STAMP)
	@rm -rf dist
	@$(BIN)/python -m hatchling build -d dist

bench: $(VENV)/.bench
	@$(BIN)/python -m bench

$(VENV)/.bench: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

screens: $(STAMP)
	@$(BIN)/python tools/screens.py

clean:
	rm -rf .venv .venv-* dist
