# `make demo` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
VENV ?= .venv
TESTS ?= tests
# The Qt binding of the tests: pyqt6 or pyside6.
BINDING ?= pyqt6
SEED ?= 1
MINUTES ?= 120
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A file at a time on every core, those that take long first (tests/conftest.py).
SHARED := -n auto --dist loadfile --no-loadscope-reorder
CLEAN := build/clean
OTHER := build/pyside6
# What pytest ends with where no test is left, as where TESTS is one file.
NOTHING_TO_RUN := 5

.DEFAULT_GOAL := help
.PHONY: help demo test quick fuzz binding matrix fix check lint types layers docs wheel release-check clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.demo ## install the package and restore the embedded samples into demo/
	@echo "==> Deconvolving the embedded samples; pictures and a table go to demo/"
	$(BIN)/blind-deconv demo --output demo --overwrite

test: $(VENV)/.test-$(BINDING) ## install what the tests need and run all of them, napari in a real window included
	@echo "==> Running the tests that need no window, a file at a time on every core"
	OMP_NUM_THREADS=1 QT_API=$(BINDING) tests/with-screen $(BIN)/python -m pytest -m "not gui" $(SHARED) $(TESTS) \
		|| [ $$? -eq $(NOTHING_TO_RUN) ]
	@echo "==> Running napari's in real windows, on a virtual screen for every core"
	OMP_NUM_THREADS=1 QT_API=$(BINDING) tests/with-screen $(BIN)/python -m pytest -m gui $(SHARED) $(TESTS) \
		|| [ $$? -eq $(NOTHING_TO_RUN) ]

quick: $(VENV)/.test-$(BINDING) ## run the tests that need neither patience nor a screen
	$(BIN)/python -m pytest -m "not slow and not gui" $(TESTS)

fuzz: $(VENV)/.test-$(BINDING) ## settings and files that nobody should have (half an hour), then random clicks (MINUTES, SEED)
	$(BIN)/python -m fuzz --seed $(SEED)
	@echo "==> A random user in a window of napari, for $(MINUTES) minutes; the log goes to build/clicking"
	QT_API=$(BINDING) tests/with-screen $(BIN)/python -m fuzz.clicking --minutes $(MINUTES) --seed $(SEED)

binding: $(VENV)/.test-$(BINDING) ## open every widget and run once with PySide6, put beside the environment
	@echo "==> Running a few of napari's tests with PySide6"
	@$(PIP) install --quiet --upgrade --target $(OTHER) -c constraints.txt pyside6-essentials
	PYTHONPATH=$(OTHER) QT_API=pyside6 tests/with-screen $(BIN)/python -m pytest -m smoke tests/napari

matrix: $(VENV)/.test-$(BINDING) ## napari's main tests with every binding, Python and napari that is claimed, as far as they are here
	$(BIN)/python -m release.matrix $(ROWS)

pictures: $(VENV)/.test ## walk through napari as four people do, and renew the pictures of the documentation
	tests/with-screen $(BIN)/python -m walks --pictures docs/images

fix: $(VENV)/.dev ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check: lint types layers ## lint, types and layers

lint: $(VENV)/.dev ## ruff
	@echo "==> Linting"
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev ## mypy, strict
	@echo "==> Checking types"
	$(BIN)/mypy

layers: $(VENV)/.dev ## import-linter: imports go only downward
	@echo "==> Checking layers"
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.dev ## the documentation, into site/
	@echo "==> Building the documentation into site/"
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: $(VENV)/.dev ## build the wheel and try it in a clean environment
	@echo "==> Building the wheel and trying it in a clean environment, $(CLEAN)"
	rm -rf dist $(CLEAN)
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv $(CLEAN)
	$(CLEAN)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt dist/*.whl npe2
	$(CLEAN)/bin/blind-deconv info
	$(CLEAN)/bin/npe2 validate napari-blind-deconv

release-check: $(VENV)/.dev ## look at all that a release needs: versions, changelog, archives, licences, pages (docs/releasing.md)
	@echo "==> Going through the checklist of a release"
	$(BIN)/python -m release $(STRICT)

clean: ## remove what was built, but not the environment
	rm -rf build demo dist site

# One stamp per set of extras: a second call installs nothing.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python >= 3.11 is needed, $(PYTHON) is `$(PYTHON) --version 2>&1`; try: make PYTHON=python3.11"; exit 2; }
	@echo "==> Creating the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "==> Installing the package into $(VENV) (PyTorch is large: minutes the first time)"
	@$(PIP) install --quiet -e . -c constraints.txt
	@touch $@

$(VENV)/.test-$(BINDING): pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "==> Installing the package and what its tests need into $(VENV) (minutes the first time)"
	@$(PIP) install --quiet -e ".[test,$(BINDING)]" -c constraints.txt
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "==> Installing the package and the tools to develop it into $(VENV) (minutes the first time)"
	@$(PIP) install --quiet -e ".[dev]" -c constraints.txt
	@touch $@ $(VENV)/.demo $(VENV)/.test-pyqt6
