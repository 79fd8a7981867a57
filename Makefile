# Every target sets up what it needs: a fresh clone and `make run` is all it takes.

# The first interpreter that is recent enough and can make an environment.
CAN_DO := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c '$(CAN_DO)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-versions test-fork lint type bench mutation gallery docs clean

# Rooms that know neither Backtrader nor TensorFlow, and what every floor may use.
PURE := $(addprefix tests/,test_archive.py test_checks.py test_disk.py test_errors.py \
	test_periods.py selection measures prices forecasting/baselines \
	forecasting/test_features.py forecasting/test_window.py)

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.run  ## Run the default backtest: the simulated market, LSTM top 3, monthly.
	$(BIN)/python run_backtest.py

test: $(VENV)/.test $(VENV)/.browser  ## Run the whole test suite.
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-fast: $(VENV)/.test  ## Run the tests of what is pure: a minute, for between two edits.
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PURE)

test-versions:  ## Run the whole suite on Python 3.11, 3.12 and 3.13, one after another.
	for version in 3.11 3.12 3.13; do \
		$(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit; \
	done

test-fork:  ## Run the whole suite on nijigen-backtrader, a drop-in fork.
	$(MAKE) .venv-fork/.test .venv-fork/.browser VENV=.venv-fork
	.venv-fork/bin/python -m pip install --quiet --no-deps --force-reinstall nijigen-backtrader
	.venv-fork/bin/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.dev  ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.dev  ## Check types.
	$(BIN)/mypy

bench: $(VENV)/.test  ## Measure: skill on simulated markets, how fast networks are trained, what a long life leaves.
	$(BIN)/python benchmarks/skill.py
	$(BIN)/python benchmarks/skill.py --worlds
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/features.py
	$(BIN)/python benchmarks/forecasting.py
	$(BIN)/python benchmarks/command.py
	$(BIN)/python benchmarks/soak.py

mutation: $(VENV)/.mutation  ## Put faults into the code, one by one, and count those that tests notice.
	$(BIN)/python benchmarks/mutation.py

gallery: $(VENV)/.test $(VENV)/.browser  ## Make the pictures of docs/gallery.md anew; BARS=FOLDER for real bars.
	$(BIN)/python benchmarks/gallery.py $(if $(BARS),--bars $(BARS))

docs: $(VENV)/.test  ## Run every example of the docs.
	$(BIN)/python -m pytest tests/test_docs.py

clean:  ## Remove the environment and everything that was made.
	rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11, 3.12 or 3.13 is needed (make PYTHON=/path/to/python)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of extras, made again when what is to be installed changes.
$(VENV)/.run: EXTRAS :=
$(VENV)/.test: EXTRAS := [test]
$(VENV)/.dev: EXTRAS := [dev]
$(VENV)/.mutation: EXTRAS := [mutation]
$(VENV)/.%: pyproject.toml setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.$(EXTRAS)'
	@touch $@

# A browser for the tests of the report, where packages of the system may be installed.
$(VENV)/.browser: | $(VENV)/bin/python
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
		{ test "$$(id -u)" = 0 && command -v apt-get && timeout 600 sh -c \
			'apt-get -qq update && apt-get -qq -y install --no-install-recommends chromium'; } \
		> /dev/null 2>&1 || echo "no Chromium: tests in a browser are left out" >&2
	@touch $@
