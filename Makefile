# The two commands of the README are `make demo` and `make test`; each installs what it needs.
PYTHON ?= python3
VENV ?= .venv
PINS ?= .venv-pins
BIN := $(VENV)/bin
STANDALONE := $(VENV)/.standalone
TESTING := $(VENV)/.testing
# Two files at a time, in the order of tests/conftest.py: each test computes in one thread.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder
# Modules compile when they are first imported, and most never are; processes that start must find them.
unexport PYTHONDONTWRITEBYTECODE
PIP := -m pip install --quiet --disable-pip-version-check --no-compile

.PHONY: demo test test-pins check format clean

demo: $(STANDALONE)
	$(BIN)/facechain demo --out demo

test: $(TESTING)
	$(BIN)/python -m pytest $(PARALLEL)

# The same suite on the versions that AUTOMATIC1111 v1.10.1 pins.
test-pins: $(PINS)/.installed
	$(PINS)/bin/python -m pytest $(PARALLEL)

check: $(TESTING)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TESTING)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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

clean:
	rm -rf $(VENV) $(PINS) demo
