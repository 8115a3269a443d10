# Kezheng: every target sets up what it needs; nothing asks a question. ARGS="…" is passed on to the command.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install fonts demo test check bench bench-full drill rehearse pictures codes lock clean distclean
.NOTPARALLEL:

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: ## .venv with the pinned packages and the command kezheng
	@deploy/setup/python_environment.sh

fonts:
	@deploy/setup/debian_packages.sh fonts-noto-cjk fonts-hanazono

demo: install fonts ## sample registry with certificates, then the public site
	@.venv/bin/kezheng demo $(ARGS)

test: install ## every test, with a browser and a second implementation of the formats
	@deploy/setup/debian_packages.sh fonts-noto-cjk fonts-hanazono chromium poppler-utils softhsm2
	@deploy/setup/oracle_environment.sh
	@.venv/bin/pytest -rs -n 2 --dist loadgroup $(ARGS)

check: install ## lints, types, and the rules of the architecture and the repository
	@.venv/bin/ruff check --output-format concise .
	@.venv/bin/mypy
	@.venv/bin/pytest tests/test_architecture.py tests/test_repository_rules.py

bench: install fonts ## benchmarks beside the limits of this machine; results in bench/output
	@.venv/bin/python -m bench $(ARGS)

bench-full: install fonts ## the same with peers and registers of ten thousand to ten million certificates: an hour
	@.venv/bin/python -m bench --full $(ARGS)

drill: install fonts ## a key stolen amid 100,000 certificates, 200 kills on each engine, machines that fail under load
	@.venv/bin/python -m bench.drill $(ARGS)
	@.venv/bin/python -m bench.kills
	@.venv/bin/python -m bench.failover

rehearse: install ## a PostgreSQL server lost, put back to two points in time, and recovered; ARGS="--people 200"
	@.venv/bin/python -m deploy.backup.rehearse $(ARGS)

pictures: install fonts ## the pictures of README, made by the program
	@deploy/setup/debian_packages.sh chromium
	@.venv/bin/python deploy/readme/pictures.py

codes: install ## the glossary of codes in README, from the table of words
	@.venv/bin/python deploy/readme/codes.py

lock: install ## the lock files anew, with the newest releases
	@deploy/setup/lock.sh

clean: ## removes caches and outputs
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build test-output bench/output ./*.egg-info
	@find certs keys registry verify_site bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## removes the Python environments too
	@rm -rf .venv .venv-oracle
