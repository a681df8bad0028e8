# Everything a person or a scheduler runs. Each target makes .venv first when it is missing or out of date.
# ARGS is passed on: make refresh ARGS="--full", make test ARGS="tests/publish -k checksum"

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Where this is set, Python recompiles every module in every process; the imports here take three times as long.
unexport PYTHONDONTWRITEBYTECODE
# No tool of this project reports to its maker.
export DAGSTER_DISABLE_TELEMETRY := yes
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help refresh test lint format ui clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

refresh: $(STAMP) ## Load, check, model and publish what has changed (ARGS: options of outcomes refresh)
	@$(BIN)/outcomes refresh $(ARGS)

# In the order of tests/conftest.py: the whole refreshes begin first instead of being waited for at the end.
test: $(STAMP) ## Run the tests (ARGS: options of pytest)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP) ## Check style, types, SQL layout, and known faults of packages; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@$(BIN)/sqlfmt --check --no-progressbar dbt_project
	@git ls-files -z | xargs -0 $(BIN)/detect-private-key
	@$(BIN)/python .ci/audit.py requirements.lock tests/browser/requirements.lock

format: $(STAMP) ## Apply the style that lint checks
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfmt --no-progressbar dbt_project

ui: $(STAMP) ## Open Dagster in a browser (ARGS: options of outcomes ui)
	@$(BIN)/outcomes ui $(ARGS)

clean: ## Remove everything that can be made again: .venv, caches, build output. Keeps warehouse/
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info dbt_project/target dbt_project/logs logs
	find pipelines tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "This needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing the locked packages into $(VENV) (once; one to two minutes)"
	@rm -f $@
	@$(PYTHON) -m venv --clear $(VENV)
# The lock is complete, so nothing is resolved (--no-deps), and hashes are checked. Bytecode is compiled now, on all
# processors; the few files of packages that are not valid Python are templates and do not matter.
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --no-compile \
	  --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@
