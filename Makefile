# Each target sets up what it needs; `make demo` and `make test` do all of it on a bare machine.
PYTHON_RUN = .venv/bin/python

.PHONY: help demo demo-down test soak faults check fmt bench python engine

help:
	@echo "make demo       deploy the example under load on this machine, and count what was lost"
	@echo "make demo-down  take away all that the demo made"
	@echo "make test       every test, those on a real Docker engine included"
	@echo "make soak       20 deployments in a row under load"
	@echo "make faults     a fault at every point of a deployment; writes docs/faults.md"
	@echo "make check      formatting, lint, types, layers"
	@echo "make fmt        format the code"
	@echo "make bench      measure hitless's own time on this machine"

python:
	@dev/python

engine:
	@dev/engine
	@dev/images

demo: python engine
	@$(PYTHON_RUN) -m bench.demo

demo-down: python
	@$(PYTHON_RUN) -m bench.demo down

test: python engine
	@$(PYTHON_RUN) -m pytest

soak: python engine
	@HITLESS_DEPLOYMENTS=20 $(PYTHON_RUN) -m pytest tests/e2e -k in_a_row

faults: python engine
	@HITLESS_WRITE_FAULTS=1 $(PYTHON_RUN) -m pytest tests/e2e/test_faults.py

check: python
	@$(PYTHON_RUN) -m ruff format --check .
	@$(PYTHON_RUN) -m ruff check .
	@$(PYTHON_RUN) -m mypy
	@.venv/bin/lint-imports

fmt: python
	@$(PYTHON_RUN) -m ruff format .
	@$(PYTHON_RUN) -m ruff check --fix .

bench: python engine
	@$(PYTHON_RUN) -m bench.overhead
