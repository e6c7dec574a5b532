# `make` lists the targets. Needs make and a Python >= 3.11 with pip; uv is used when it is there.

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-ui test lint types unit contract integration system chaos test-cluster browser soak bench mutants coverage matrix package docs live clean

# The first Python that is new enough; override with `make PYTHON=/path/to/python ...`
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
endif

UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
EXAMPLE ?= render

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -e 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

venv: .venv/.installed-dev ## .venv with everything for working on the provider

# One stamp per extra ("sandbox" is all that the demo needs), renewed only when what it installs changes.
.venv/.installed-%: pyproject.toml dev/constraints.txt
ifeq ($(UV),)
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 found: install one, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv --clear .venv
	@echo "Installing airflow-provider-j2v[$*] and Airflow into .venv, about a minute the first time ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c dev/constraints.txt -e '.[$*]'
else
	@test -x $(BIN)/python || "$(UV)" venv --quiet --python "$(or $(PYTHON),3.12)" .venv
	@echo "Installing airflow-provider-j2v[$*] and Airflow into .venv ..."
	@"$(UV)" pip install --quiet --python $(BIN)/python -c dev/constraints.txt -e '.[$*]'
endif
	@touch $@ $(if $(filter dev,$*),.venv/.installed-sandbox .venv/.installed-examples) # dev includes both

demo: .venv/.installed-sandbox $(if $(filter etl,$(EXAMPLE)),.venv/.installed-examples) ## a real Airflow renders a movie on this machine; EXAMPLE=name picks the DAG
	@$(BIN)/python -m dev.demo run "$(EXAMPLE)"

demo-ui: .venv/.installed-sandbox .venv/.installed-examples ## the same Airflow with its web interface, until Ctrl-C
	@$(BIN)/python -m dev.demo ui

test: lint types unit contract integration system ## all checks, cheapest first

lint: venv ## ruff, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

types: venv ## mypy --strict, and an example typed as its users see it
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/typed/mypy.ini tests/typed/example.py

unit: venv ## tests of one module each
	$(PYTEST) -n 2 --dist loadfile tests/unit

contract: venv ## the client against the sandbox, over HTTP
	$(PYTEST) -n 2 --dist loadfile tests/contract

integration: venv ## operators, sensors and triggers in Airflow's own runtime
	$(PYTEST) -n 2 --dist loadfile tests/integration

system: venv ## a real Airflow of separate processes, with a real triggerer
	$(PYTEST) tests/system/test_real_airflow.py

chaos: venv ## real workers and triggerers killed and frozen, every move people and schedulers make, a batch, events
	$(PYTEST) tests/system --ignore tests/system/test_real_airflow.py

CLUSTER_RENDERS ?= 50
test-cluster: venv .venv/.installed-cluster ## two triggerers, two Celery workers, one dies; needs PostgreSQL and Redis
	CLUSTER_RENDERS=$(CLUSTER_RENDERS) $(PYTEST) tests/cluster

SCREENSHOTS ?=
browser: venv .venv/.installed-browser ## Airflow's web interface in Chromium; SCREENSHOTS=1 renews the pictures of the documentation
	SCREENSHOTS=$(SCREENSHOTS) $(PYTEST) tests/browser

coverage: venv ## lines and branches of the package that unit, contract and integration tests reach
	$(PYTEST) -q -n 2 --dist loadfile --cov tests/unit tests/contract tests/integration

RENDERS ?= 100
MINUTES ?= 3
SUBMITS ?= 4000
HISTORIES ?= 400
ROWS ?= 100
soak: venv ## random faults and histories, then renders and a batch while workers die; RENDERS= MINUTES= SUBMITS= HISTORIES= ROWS=
	SUBMITS=$(SUBMITS) HISTORIES=$(HISTORIES) $(PYTEST) tests/unit/renders/test_histories.py tests/unit/renders/test_batch_histories.py
	$(BIN)/python -m dev.soak --renders $(RENDERS) --minutes $(MINUTES)
	$(if $(filter-out 0,$(ROWS)),$(BIN)/python -m dev.batch --rows $(ROWS))

RUNS ?= 7
bench: venv .venv/.installed-bench ## what imports, lint, uploads and waiting cost, beside other providers; RUNS=n WAITING=--small
	$(BIN)/python -m dev.bench imports $(RUNS)
	$(BIN)/python -m dev.bench lint
	$(BIN)/python -m dev.bench upload
	$(BIN)/python -m dev.bench waiting $(WAITING)

mutants: venv ## take one safeguard of the protocol away at a time: a test must notice
	$(BIN)/python -m dev.mutants

CELLS ?=
matrix: venv .venv/.installed-matrix ## the tests on every Airflow and Python we promise; CELLS="3.1-py3.13 lowest" for some
	$(BIN)/python -m dev.matrix $(CELLS)

package: venv ## wheel and sdist, built, looked into and tried in a clean environment
	$(BIN)/python -m dev.package

docs: venv .venv/.installed-docs ## the documentation's site, in build/docs; a warning is an error, so is a broken link within
	$(BIN)/python -m sphinx -W --keep-going --quiet -b html -d build/doctrees docs build/docs
	$(PYTEST) tests/docs tests/unit/test_docs.py tests/unit/test_docs_code.py

live: venv ## what nobody has verified, asked of the real service; needs JSON2VIDEO_API_KEY; LIVE="--yes --credits 41"
	$(BIN)/python -m dev.live $(LIVE)

clean: ## remove .venv and everything generated
	rm -rf .venv .matrix .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist demo-output live-report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
