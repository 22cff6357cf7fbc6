# `make demo` and `make test` need Python 3.11 or newer and nothing else: they make an environment in .venv,
# install this package into it once, and install it again only when pyproject.toml has changed.
#
#   make demo PYTHON=/path/to/python3.12     uses that interpreter
#   make test ARGS="tests/test_task.py -x"   hands arguments to pytest

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: help demo test lint docs clean

help:
	@echo "make demo    train seven digit classifiers, each in its own way, and attack them; some minutes"
	@echo "make test    run the test suite, on up to four cores"
	@echo "make lint    check format, style, types and the floors of the house"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove the environment, the built documentation and caches"

demo: $(VENV)/.installed-vision,report
	@$(BIN)/minimax-l2l demo

test: $(VENV)/.installed-test
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal $(ARGS)

lint: $(VENV)/.installed-lint,gail,report
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(VENV)/.installed-docs
	@$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# What follows the hyphen is the list of extras. pip compiles modules one by one; here all cores do, without the
# packages' own tests. Some packages hold files that are no valid Python and are never imported.
$(VENV)/.installed-%: $(VENV)/.made pyproject.toml
	@echo "Installing this package with its extras [$*] into $(VENV); PyTorch is large, so the first time takes minutes."
	@$(BIN)/python -m pip install --quiet --no-compile --editable '.[$*]'
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
	@touch $@

$(VENV)/.made:
	@for name in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "Making an environment in $(VENV) with $$("$$name" --version)."; \
	    "$$name" -m venv $(VENV) && touch $@; exit; \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found (looked for: $(or $(PYTHON),python3.13 python3.12 python3.11 python3)); install one, or name it: make PYTHON=/path/to/python3." >&2; \
	exit 1

.PRECIOUS: $(VENV)/.installed-%
