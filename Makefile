.PHONY: install test slow lint benchmarks

install:
	pip install -e ".[dev]"

test:
	pytest

slow:
	pytest -m slow

lint:
	ruff check . && ruff format --check . && mypy

benchmarks:
	sh benchmarks/run_all.sh
