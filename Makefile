# `make` alone lists what there is. Everything a target makes stays in this folder, in .venv, .cache, .data and dist;
# only system packages are installed beyond it, and NO_INSTALL=1 forbids that.
.DEFAULT_GOAL := help
TEST_WORKERS ?= 2
PYTEST := .venv/bin/python -m pytest
# The tests start many a Python of ours, which would all compile the same files again.
unexport PYTHONDONTWRITEBYTECODE
# One run reads everything the machine gives: variables set on make's command line reach the scripts.
export REPO PORT KEEP YES NO_INSTALL

.PHONY: help
help: ## list the targets (this is the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run REPO=/path/or/url   the bots on your own repository;  PORT=8080, KEEP=1 keeps the data"
	@echo "  YES=1 installs missing system packages unasked, NO_INSTALL=1 never"

.PHONY: run
run: ## start sigbot with everything it needs and show the bots at work on an example fleet
	@scripts/run

.PHONY: test
test: environment servers ## all tests, with real servers: Pagure, PostgreSQL, Redis, a registry, buildah
	@$(PYTEST) -n $(TEST_WORKERS) -m "not long" $(ARGS)

.PHONY: test-unit
test-unit: environment ## the tests that need no server; about a minute
	@$(PYTEST) -n $(TEST_WORKERS) --dist worksteal -m "not server and not long" $(ARGS)

.PHONY: test-long
test-long: environment servers ## storms, full fuzzing, every property on more examples, image builds
	@$(PYTEST) -n $(TEST_WORKERS) -m "long or hypothesis" --hypothesis-profile full $(ARGS)

.PHONY: bench
bench: environment servers ## measure speed and cost beside the peers and limits
	@scripts/system-packages bench
	@.venv/bin/python -m tests.bench $(ARGS)

.PHONY: lint
lint: environment ## style, format and the direction of imports
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/lint-imports

.PHONY: types
types: environment ## check the types
	@.venv/bin/mypy

.PHONY: environment
environment: ## make or refresh .venv
	@scripts/python-environment dev

.PHONY: servers
servers: environment ## see that the real servers of the tests are there
	@scripts/system-packages test
	@.venv/bin/python -m tests.servers.pagure_chroot

.PHONY: requirements
requirements: ## compile requirements/*.txt again from pyproject.toml; UPGRADE=1 for the newest versions
	@scripts/requirements

.PHONY: changelog
changelog: environment ## show what the next release's changelog would say
	@.venv/bin/towncrier build --draft --version next

.PHONY: wheel
wheel: environment ## build the sdist and the wheel into dist/
	@rm -rf dist
	@.venv/bin/python -m build --no-isolation --outdir dist

.PHONY: clean
clean: ## delete what tools leave behind; .venv, .cache and .data stay
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find bots workers webhooks tests -name __pycache__ -type d -prune -exec rm -rf {} +
