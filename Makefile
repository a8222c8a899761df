# The two commands of the README are `make demo` and `make test`; each installs what it needs.
PYTHON ?= python3
VENV ?= .venv
PINS ?= .venv-pins
RUNS ?= 10
BIN := $(VENV)/bin
STANDALONE := $(VENV)/.standalone
TESTING := $(VENV)/.testing
# Three files at a time, in the order of tests/conftest.py: a test computes in one thread, or waits.
# Quick tests do not wait, and a third worker would but collect them once more.
ORDERED := --dist loadfile --no-loadscope-reorder
PARALLEL := -n 3 $(ORDERED)
# Modules compile when they are first imported, and most never are; processes that start must find them.
unexport PYTHONDONTWRITEBYTECODE
PIP := -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: help demo quick test test-pins stress check format pins clean

help: ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name does; do printf '%-11s%s\n' "$$name" "$$does"; done

demo: $(STANDALONE) ## Train on one public photo and draw portraits, into demo/
	$(BIN)/facechain demo --out demo

quick: $(TESTING) ## Tests that need no checkpoint and no browser, without the slow files
	$(BIN)/python -m pytest -n 2 $(ORDERED) -m "not model and not slow"

test: $(TESTING) ## The whole suite
	$(BIN)/python -m pytest $(PARALLEL)

test-pins: pins ## What versions can change, on those that AUTOMATIC1111 v1.10.1 pins
	$(PINS)/bin/python -m pytest $(PARALLEL) -m "not once"

stress: $(TESTING) ## The whole suite RUNS=10 times while other work keeps every core busy
	$(BIN)/python tools/stress.py $(RUNS) $(PARALLEL)

check: $(TESTING) ## Ruff, formatting, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TESTING) ## Let ruff repair and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pins: $(PINS)/.installed ## Install the versions that the webui pins

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STANDALONE): pyproject.toml requirements/current.txt | $(BIN)/python
	$(BIN)/python $(PIP) -c requirements/current.txt -e ".[standalone]"
	touch $@

$(TESTING): pyproject.toml requirements/current.txt | $(BIN)/python
	$(BIN)/python $(PIP) -c requirements/current.txt -e ".[standalone,test]"
	touch $@

$(PINS)/.installed: requirements/a1111-pins.txt tools/stub_cuda.py
	$(PYTHON) -m venv $(PINS)
	$(PINS)/bin/python $(PIP) --no-deps -r requirements/a1111-pins.txt
	$(PINS)/bin/python tools/stub_cuda.py
	touch $@

clean: ## Remove the environments and the demo
	rm -rf $(VENV) $(PINS) demo
