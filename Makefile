# Everything one does with this repository is a target here; `make help` lists them.
# `make` alone regenerates the files from stack/fleet.yaml and shows what changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPEC ?= stack/fleet.yaml
OUT ?= .
BUILD_FLAGS ?=
RUN_FLAGS ?=
PYTEST_FLAGS ?= -n auto --dist loadscope

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: help setup run build check diff test parts lint format bench lock clean

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make the virtual environment from the locks; quick where nothing changed.

$(READY): requirements/dev.txt pyproject.toml exporter/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) is not there: install Python 3.11 or later (Debian: apt-get install python3 python3-venv)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and $(PYTHON) is older: say which to take, as in make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Setting up $(VENV) ..."
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . --editable exporter
	@touch $@

run: setup ## Do the main job: set up, build, and run the exporter with its page (RUN_FLAGS="--for 30s").
	@$(BIN)/inferometer run --spec $(SPEC) --out $(OUT) $(RUN_FLAGS)

build: setup ## Regenerate all files from the spec and show what changed (BUILD_FLAGS=--force overwrites edits by hand).
	@$(BIN)/inferometer build --spec $(SPEC) --out $(OUT) $(BUILD_FLAGS)

check: setup ## Fail where the generated files are not what the spec gives.
	@$(BIN)/inferometer check --spec $(SPEC) --out $(OUT)

diff: setup ## Show what a build would change, and change nothing.
	@$(BIN)/inferometer diff --spec $(SPEC) --out $(OUT)

test: setup parts ## Run all tests, with real servers (PYTEST_FLAGS="tests/unit -x" for some).
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

parts: setup ## Fetch the real servers and tools that tests use, and list them.
	@$(BIN)/python -m tests.parts

lint: setup ## Check style, format and types.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Put the code into the house's format.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## Measure speed and memory of builder, exporter and store against their promises.
	@$(BIN)/python -m tests.bench

# Package folders of the machine itself are left out, so that the locks hold for every machine.
COMPILE = env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes \
  --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

lock: setup ## Renew the locks in requirements/ from pyproject.toml.
	@$(COMPILE) --output-file requirements/run.txt pyproject.toml
	@$(COMPILE) --constraint requirements/run.txt --output-file exporter/requirements.txt exporter/pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements/run.txt --constraint exporter/requirements.txt \
	  --output-file requirements/dev.txt pyproject.toml exporter/pyproject.toml

clean: ## Remove what setup and tests made: environment, real parts, caches.
	@rm -rf $(VENV) .parts .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	@find src exporter tests -type d -name __pycache__ -prune -exec rm -rf {} +
