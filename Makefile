# What a person does here. Each target sets up what it needs in .venv.
.PHONY: demo test check bench docs clean

demo: ## improve a Pong policy on the real emulator, without a model, in about three minutes
	scripts/venv atari
	scripts/demo

test: ## everything that must pass: lint, format, types, tests
	scripts/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/pytest

bench: ## the figures of docs/reference/benchmarks.md
	scripts/venv dev
	.venv/bin/python benchmarks/run.py

docs: ## the documentation as a site in ./site
	scripts/venv docs
	.venv/bin/mkdocs build --strict

clean:
	rm -rf .venv site dist build
