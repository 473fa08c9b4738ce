# Needs Python 3.11 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# How often `make faults` kills a training.
KILLS ?= 52
SOURCES := main.py benchmarks callbacks data_modules lightning_app models tests

.DEFAULT_GOAL := help

help:  ## list these targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## create .venv with the exact versions of constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[test]" --constraint constraints.txt
	@touch $@

demo: $(INSTALLED)  ## train and test on synthetic patients, a few minutes on two cores
	$(BIN)/python main.py fit --config aspp_t2f.yaml --config quick.yaml --config demo.yaml
	$(BIN)/python main.py test --trainer.default_root_dir runs/demo

test: lint $(INSTALLED)  ## lint, check types and run all tests except the slow ones
	$(BIN)/python -m pytest --numprocesses auto

slow: $(INSTALLED)  ## run the tests that take minutes
	$(BIN)/python -m pytest -m slow

faults: $(INSTALLED)  ## kill and resume trainings, about 15 minutes; KILLS=10 for fewer kills
	$(BIN)/python -m tests.fault_injection.kill_and_resume --kills $(KILLS)

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

.PHONY: help install demo test slow faults lint format clean
