# `make demo` and `make test` do all the set-up on a fresh machine: they need Python >= 3.11, a C compiler and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYX := $(wildcard src/perception_label/_core/*.pyx)
JIT := $(filter-out %/__init__.py,$(wildcard src/perception_label/_core/*.py))
# cython-lint starts pycodestyle by name.
export PATH := $(abspath $(BIN)):$(PATH)
PYTEST_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo picture screenshots test check build checked cover fuzz bench acceptance acceptance-release acceptance-all clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(VENV)/.deps: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "perception-label needs Python >= 3.11, $(PYTHON) is older: make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "setuptools>=77" "cython>=3.1" "numpy>=2.2,<2.5"
	PERCEPTION_LABEL_KERNELS=later $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[dev]"
	touch $@

$(VENV)/.built: $(VENV)/.deps setup.py $(PYX)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

$(VENV)/.compiled: $(VENV)/.built $(JIT) .ci/compile_kernels.py
	$(BIN)/python .ci/compile_kernels.py
	touch $@

build: $(VENV)/.compiled ## own virtual environment, dependencies, compiled core

demo: build ## simulate a log, propose labels, score and export them
	$(BIN)/perception-label demo --out out/demo

picture: build ## the picture of the README, from a simulated log
	$(BIN)/python docs/pictures/make_picture.py

screenshots: build ## the review app's main views, into out/screenshots; needs Chromium
	$(BIN)/python docs/pictures/make_screenshots.py --out out/screenshots

test: build ## all tests
	$(BIN)/python -m pytest -n 2 $(PYTEST_FLAGS)

check: build ## formatting, lint, types, import floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/cython-lint --max-line-length 100 src/perception_label/_core
	$(BIN)/mypy
	$(BIN)/lint-imports

checked: $(VENV)/.deps ## the tests of the core on a build with bounds tests
	rm -rf build/checked && mkdir -p build/checked && cp -r src setup.py pyproject.toml README.md LICENSE NOTICE MANIFEST.in build/checked && find build/checked -name "*.so" -delete
	cd build/checked && PERCEPTION_LABEL_CHECKED=1 $(abspath $(BIN))/python setup.py --quiet build_ext --inplace --force
	PYTHONPATH=build/checked/src $(BIN)/python -m pytest -n 2 tests/geometry tests/cloud tests/proposals $(PYTEST_FLAGS)

cover: build ## tests with coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered $(PYTEST_FLAGS)

FUZZ ?= --inputs 100000
fuzz: build ## every reader on broken files: make fuzz FUZZ="--seconds 60 nuscenes"
	cd tests && $(abspath $(BIN))/python -m fuzz.run $(FUZZ)

bench: build ## every benchmark against its rival
	$(BIN)/python -m pytest benchmarks --benchmark-columns=min,median,ops --benchmark-group-by=group -q

.acceptance/.deps: tests/acceptance/requirements.txt
	test -x .acceptance/bin/python || $(PYTHON) -m venv .acceptance
	.acceptance/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $< || \
	  for pin in $$(cat $<); do .acceptance/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $$pin || \
	  echo "not installed, its clients are skipped: $$pin"; done
	touch $@

acceptance: build .acceptance/.deps ## exports opened by the clients people use, in an environment of their own
	$(BIN)/python tests/acceptance/run.py --out out/acceptance.json $(ACCEPTANCE_FLAGS)

acceptance-release: build .acceptance/.deps ## the same; a client that is missing is a failure
	$(BIN)/python tests/acceptance/run.py --no-skips --out out/acceptance.json

ALL := $(patsubst tests/acceptance/requirements-all/%.txt,.acceptance-all/%/.deps,$(wildcard tests/acceptance/requirements-all/*.txt))
.acceptance-all/%/.deps: tests/acceptance/requirements-all/%.txt
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

acceptance-all: build .acceptance/.deps $(ALL) ## and the clients that need an environment each
	$(BIN)/python tests/acceptance/run.py --all --out out/acceptance.json

clean: ## remove what the targets above made
	rm -rf $(VENV) .acceptance .acceptance-all build out src/*.egg-info
	find src -name '*.so' -delete
