SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Two processes; a file's tests stay in one, so that a server started for a file is started once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
PYTEST_ARGS ?=
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--no-header --quiet pyproject.toml --extra build

.PHONY: help demo up test test-full check bench bench-stories bench-batches bench-growth bench-docs bench-sending bench-pages pictures fault-table lock install install-dev clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install  ## Load invented clients and news, run everything, show what came of it.
	@$(BIN)/client-monitor demo

up: install  ## Start Prefect's server, a worker and the app in the foreground; Ctrl-C stops them.
	@exec $(BIN)/client-monitor up

test: install-dev  ## Run the tests on SQLite (PYTEST_ARGS="-k name" for some of them).
	$(PYTEST) -m "not full" $(PYTEST_ARGS)

# Pages ask services, whose tests are run again; drawing them twice would tell nothing about the database.
test-full: install-dev  ## Run the long tests, and all but the pages' again on PostgreSQL.
	$(PYTEST) -m full $(PYTEST_ARGS) || [ $$? -eq 5 ]  # 5: there are none
	$(PYTEST) --db postgres -m "not full and not prefect or postgres" --ignore-glob='*/test_ui_*' $(PYTEST_ARGS)

check: install-dev  ## Lint, format, types, and whether locks and tree are as they should be.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python .ci/checks.py

bench: install-dev  ## Measure articles a second, memory, and what Prefect adds.
	$(BIN)/python -m benchmarks

bench-stories: install-dev  ## Compare story grouping with datasketch, rensa, scikit-learn and others.
	$(BIN)/python -m benchmarks stories

bench-batches: install-dev  ## Measure whether stories depend on the order and batches articles come in.
	$(BIN)/python -m benchmarks batches

bench-growth: install-dev  ## Load test: 1,000 to 46,000 headlines, 40 clients, the whole pipeline.
	$(BIN)/python -m benchmarks growth

bench-sending: install-dev  ## 10,000 mails through the outbox, against a bare smtplib loop.
	$(BIN)/python -m benchmarks sending

pictures: install-dev  ## Draw the pictures of the mails in docs/images anew (needs Chromium).
	$(BIN)/python -m benchmarks.pictures

bench-pages: install-dev  ## Each page with 1,000,000 mails, as a ratio to an empty one (a while; needs chromium).
	$(BIN)/python -m benchmarks pages

fault-table: install-dev  ## Write docs/faults.md anew from what the fault tests see.
	$(BIN)/python -m pytest tests/test_faults_sources.py tests/test_faults_crms.py tests/test_faults_models.py --write-fault-table

bench-docs: install-dev  ## All three again, into docs/quality.md (most of an hour; leave the machine alone).
	$(BIN)/python -m benchmarks stories --docs
	$(BIN)/python -m benchmarks batches --docs
	$(BIN)/python -m benchmarks growth --docs

lock:  ## Write both locks anew from pyproject.toml (needs uv).
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# --no-deps: the locks are complete, and pip's resolver stumbles over extras when it must check hashes.
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV) (a few minutes, once) ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@$(PIP) check
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV), with what the tests need (a few minutes, once) ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@$(PIP) check
	@touch $(VENV)/.installed $@

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) is $(PYTHON)." \
		     "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

clean:  ## Remove the environment and caches. Your data in var/ stays.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
