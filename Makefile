# Every target sets up what it needs. `make` alone tells what there is.
PYTHON ?= python3
BIN := .venv/bin
DURATION ?= 0
RATE ?= 100
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help sbom setup run replay test check test-fast test-broker faults bench quality opinion golden docs clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.complete ## the environment alone: .venv with the locked dependencies, .venv/bin/ringfence, detection compiled
	@$(BIN)/python -m pipeline.native && $(BIN)/python -m pipeline.detection.shipped

.venv/.complete: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" bash deploy/setup.sh

run: setup ## a Kafka, the worker and sample traffic; alerts as they come. Ctrl-C ends it; DURATION=60 too; RATE=100 records/s
	@$(BIN)/python deploy/demo.py --duration $(DURATION) --rate $(RATE)

replay: setup ## the shipped recording through the same scan and fold, without a broker
	@$(BIN)/ringfence replay tests/replay/marketplace --out build/replay

check: setup ## format, lint, types, tests without a broker
	@bash deploy/setup.sh --prometheus
	@$(BIN)/python -m pip --quiet check --disable-pip-version-check
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q -m "not broker"

test: check test-broker ## every test, those on a real broker too

test-broker: setup ## the tests that need a real Kafka
	@bash deploy/setup.sh --java
	@$(BIN)/pytest -q -m broker

sbom: setup ## the bill of materials of what runs in production (CycloneDX) into build/sbom.json
	@mkdir -p build
	@$(BIN)/python deploy/lock.py sbom > build/sbom.json

faults: setup ## break the service on purpose, on a real broker; writes docs/reliability.md. SEED=1
	@bash deploy/setup.sh --java
	@$(BIN)/python -m tests.faults --seed $(SEED) --out docs/reliability.md

bench: setup .venv-peers/.complete ## throughput, latency and memory, beside peers
	@bash deploy/setup.sh --java
	@$(BIN)/python -m bench

.venv-peers/.complete: bench/peers.lock
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/peers.lock
	@touch $@

quality: setup ## precision and recall on the corpus, beside peers, and the speed of detection; build/quality.html
	@$(BIN)/python -m tests.corpus.quality --out build/quality.html
	@$(BIN)/python -m bench.detection

opinion: setup ## train the second opinion on the corpus's seen part and the packs' examples; after changes of packs or corpus
	@$(BIN)/python -m tests.corpus.train

golden: setup ## rewrite the golden outputs; review the difference like code
	@$(BIN)/python -m tests.replay.golden
	@$(BIN)/python -m tests.systems.golden

docs: setup ## rewrite the generated references, schemas and dashboards
	@$(BIN)/python -P docs/generate.py
	@$(BIN)/python deploy/grafana/build.py

clean: ## remove what the targets made
	@rm -rf .venv .venv-peers build .ringfence deploy/kafka/libs
