# Needs Python 3.11 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet
TOOLS := .venv/tools/bin
INSTALLED := .venv/.installed
SOURCES := main.py benchmarks callbacks data_modules lightning_app models tests
# `make install LOCK=requirements-cpu.txt` takes only files with the hashes in that lock file.
LOCK ?=
# `make lock` writes this file.
TO ?= requirements-cpu.txt
# Where torch for CPUs is, unless pip knows: INDEX=https://download.pytorch.org/whl/cpu.
INDEX ?=
# Answers if the database of known vulnerabilities can be reached.
DATABASE := https://pypi.org/pypi/filelock/3.20.0/json
# How often `make faults` kills a process.
KILLS ?= 100
# How many changes `make mutants` tries, and the seed of the sample.
MUTANTS ?= 120
SEED ?= 0

.DEFAULT_GOAL := help

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## create .venv; LOCK=requirements-cpu.txt checks the hashes of all files

$(INSTALLED): pyproject.toml constraints.txt $(LOCK)
	$(PYTHON) -m venv .venv
ifdef LOCK
	$(PIP) install --require-hashes --requirement $(LOCK) $(if $(INDEX),--extra-index-url $(INDEX))
	$(PIP) install --no-deps --no-build-isolation --editable .
else
	$(PIP) install --editable ".[test]" --constraint constraints.txt
endif
	@touch $@

lock: $(TOOLS)  ## write requirements-cpu.txt, with hashes; INDEX=URL and TO=FILE for other locks
	$(TOOLS)/pip install --quiet "uv>=0.13"
	$(TOOLS)/uv pip compile pyproject.toml --extra test --constraint constraints.txt --quiet \
		--generate-hashes --python-version 3.11 $(if $(INDEX),--index $(INDEX)) \
		--index-strategy unsafe-best-match --custom-compile-command "make lock" --output-file $(TO)

audit: $(TOOLS)  ## look for known vulnerabilities of the versions in requirements-cpu.txt
	@curl --silent --fail --max-time 20 --output /dev/null $(DATABASE) \
		|| { echo "Nothing was audited: $(DATABASE) cannot be reached" >&2; exit 1; }
	$(TOOLS)/pip install --quiet "pip-audit>=2.10"
	sed 's/+cpu / /' $(TO) | $(TOOLS)/pip-audit --strict --disable-pip --requirement /dev/stdin

$(TOOLS):
	$(PYTHON) -m venv .venv/tools

demo: $(INSTALLED)  ## train and test on synthetic patients, a few minutes on two cores
	$(BIN)/python main.py fit --config aspp_t2f.yaml --config quick.yaml --config demo.yaml --name demo
	$(BIN)/python main.py test --run demo

test: lint $(INSTALLED)  ## lint, check types and run all tests except the slow ones
	$(BIN)/python -m pytest --numprocesses auto

slow: $(INSTALLED)  ## run the tests that take minutes
	$(BIN)/python -m pytest -m slow

faults: $(INSTALLED)  ## kill trainings and commands, 40 minutes; KILLS=10 for fewer kills
	$(BIN)/python -m tests.fault_injection --kills $(KILLS)

mutants: $(INSTALLED)  ## change the sources and see which changes no test notices; MUTANTS=20 SEED=1
	$(PIP) install --editable ".[mutation]" --constraint constraints.txt
	$(BIN)/python -m tests.mutation --mutants $(MUTANTS) --seed $(SEED)

lint: $(INSTALLED)  ## run ruff and mypy
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(INSTALLED)  ## format the sources with ruff
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:  ## remove .venv and the files of tools, but not runs/ and cache/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install lock audit demo test slow faults mutants lint format clean
