# A fresh machine needs Python 3.11 to 3.13 and make; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
SOURCES := main.py benchmarks callbacks data_modules lightning_app models tests

.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## create .venv with the exact versions of constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[test]" --constraint constraints.txt
	@touch $@

demo: $(INSTALLED)  ## train, test and draw on synthetic patients, some minutes on two cores
	$(BIN)/python main.py fit --config aspp_t2f.yaml --config quick.yaml --config demo.yaml
	$(BIN)/python main.py test --trainer.default_root_dir runs/demo

test: lint $(INSTALLED)  ## install, then lint, types and the whole suite but the slow tests
	$(BIN)/python -m pytest --numprocesses auto

slow: $(INSTALLED)  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)  ## ruff and mypy
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(INSTALLED)  ## let ruff put the source into shape
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:  ## remove .venv and what tools leave behind; runs/ and cache/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install test slow lint format clean
