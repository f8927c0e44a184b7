# What a person does here. Each target sets up what it needs in .venv.
.PHONY: demo demo-pong test check bench bench-rivals docs clean

demo: ## a language model on this processor improves its own prompt; downloads 1.1 GB once, or falls back to demo-pong
	scripts/demo

demo-pong: ## improve a Pong policy on the real emulator, without a model, in about three minutes
	scripts/venv atari
	scripts/demo-pong

test: ## everything that must pass: lint, format, types, tests
	scripts/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright
	.venv/bin/pytest

bench: ## our figures; ARGS="--markdown docs/reference/benchmarks.md" writes them into the documentation, too
	scripts/venv dev
	.venv/bin/python benchmarks/run.py $(ARGS)

bench-rivals: ## the same of other frameworks, installed in throw-away environments (about 2.5 GB), and of ours beside
	scripts/venv dev
	.venv/bin/python benchmarks/rivals/run.py $(ARGS)

docs: ## the documentation as a site in ./site
	scripts/venv docs
	.venv/bin/mkdocs build --strict

clean:
	rm -rf .venv site dist build
