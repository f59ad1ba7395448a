# SEND Ready: `make help` says what there is. Debian, make, git and Python 3.11 are all it needs.
SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.8
UV := $(or $(shell command -v uv),.uv/bin/uv)
PYTHON ?= python3
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv

# One environment. Switching between `make run` and `make test` adds to it and never takes away, and a stamp says
# that it is as the lock says: with the stamps in place nothing is asked of any network.
READY := .venv/.ready-to-run
READY_TO_TEST := .venv/.ready-to-test
SYNC := $(UV) sync --locked --inexact --compile-bytecode --quiet

.PHONY: help run board drill verify-release chronology watch status backup restore purge rollback catalogue install-service sample sen2 onboard layout check pickup airflow bench fuzz audit sbom test test-quick lint format

help: ## Show this list
	@$(PYTHON) -c 'from commands.table import targets; print(targets())'
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s  %s\n", $$1, $$2}' Makefile

# What these do stands in commands/table.py, which `make help` asks.
run drill watch status rollback catalogue: $(READY)
	@$(BIN)/send-ready $@

board: $(READY)
	@$(BIN)/send-ready edition $$MONTH

verify-release: $(READY)
	@$(BIN)/send-ready verify-release $${HEAD:+--head "$$HEAD"}

chronology: $(READY)
	@if [ -z "$$IDS" ]; then echo "Say which children: make chronology IDS=\"ID ID\" NOTIFIED_ON=YYYY-MM-DD" >&2; exit 2; fi
	@$(BIN)/send-ready chronology $$IDS $${NOTIFIED_ON:+--notified-on "$$NOTIFIED_ON"}

backup: $(READY)
	@if [ -z "$$TO" ]; then echo "Say where to: make backup TO=/a/folder/on/another/disk" >&2; exit 2; fi
	@$(BIN)/send-ready backup "$$TO"

restore: $(READY)
	@if [ -z "$$FROM" ]; then echo "Say which: make restore FROM=/the/archive.tar.gz" >&2; exit 2; fi
	@$(BIN)/send-ready restore "$$FROM"

purge: $(READY)
	@$(BIN)/send-ready purge $${DO:+--do} $${BY:+--by "$$BY"} $${WHY:+--why "$$WHY"}

install-service: $(READY)
	@$(BIN)/send-ready install-service $$([ "$$AIRFLOW" != yes ] || echo --airflow) \
		$$([ "$$CRON" != yes ] || echo --cron) $$([ "$$REMOVE" != yes ] || echo --remove)

sample: $(READY)
	@$(BIN)/send-ready sample $${LA:+--la "$$LA"} $${PLANS:+--plans "$$PLANS"} \
		$${SEN_SUPPORT:+--sen-support "$$SEN_SUPPORT"} $${SEED:+--seed "$$SEED"} $${FAULTS:+--faults "$$FAULTS"} \
		$${LAYOUT:+--layout "$$LAYOUT"}

check: $(READY)
	@$(BIN)/send-ready check $${FILE:+"$$FILE"} $${FEED:+--feed "$$FEED"} $$([ "$$ALERT" != yes ] || echo --alert)

pickup: $(READY)
	@$(BIN)/send-ready pickup $${NAME:+"$$NAME"} $${AGAIN:+--again}

onboard: $(READY)
	@$(BIN)/send-ready onboard $$([ "$$ADOPT" != yes ] || echo --adopt) $$([ "$$TRIAL" != no ] || echo --no-trial)

layout: $(READY)
	@$(BIN)/send-ready layout $${TEMPLATE:+"$$TEMPLATE"} $${VERSION:+--name "$$VERSION"} $$([ "$$ADOPT" != yes ] || echo --adopt)

sen2: $(READY)
	@$(BIN)/send-ready sen2 $${YEAR:+--year "$$YEAR"}

airflow: $(READY)
	@exec $(BIN)/send-ready airflow $$PORT

bench: $(READY) ## What nights and a drill take, and extract and rules beside the plainest program (tools/bench)
	@$(BIN)/python -m tools.bench

fuzz: $(READY_TO_TEST) ## Mutated exports through landing and reading, for as long as you like (FOR=600 seconds, SEED=1)
	@$(BIN)/python -m tests.fuzz --seconds $${FOR:-600} --seed $${SEED:-1}

audit: $(READY_TO_TEST) ## Known vulnerabilities of what is installed, asked of PyPI, else of OSV (fails when there are any)
	@$(UV) export --locked --no-dev --no-emit-project --quiet | $(BIN)/python -m tools.supply.audit

sbom: $(READY_TO_TEST) ## The bill of materials, as CycloneDX (TO=build/send-ready.cdx.json)
	@$(UV) export --locked --no-dev --format cyclonedx1.5 --preview-features sbom-export --quiet \
		| $(BIN)/python -m tools.supply.bill "$${TO:-build/send-ready.cdx.json}"

test: lint ## Every check and test (first installs what they need from Debian, where it may)
	@$(BIN)/python -m tests.debian
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

test-quick: $(READY_TO_TEST) ## Tests that play no night: functions, contracts, rules (two minutes)
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder tests/unit tests/contract tests/rules

lint: $(READY_TO_TEST) ## Style, types and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint dbt_project
	@$(BIN)/mypy

format: $(READY_TO_TEST) ## Put Python in the house style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

$(READY): pyproject.toml uv.lock | $(UV)
	@echo "Making the environment from uv.lock, which takes a minute or two: once, and again when the lock changes" >&2
	@$(SYNC) --no-dev
	@touch $@

$(READY_TO_TEST): pyproject.toml uv.lock | $(UV)
	@echo "Making the environment for tests from uv.lock: once, and again when the lock changes" >&2
	@$(SYNC)
	@UV_PROJECT_ENVIRONMENT=.venv-analyst $(UV) sync --locked --only-group analyst --quiet
	@touch $(READY) $@

.uv/bin/uv:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "uv is not here, and $(PYTHON) cannot make an environment to put it in." >&2; \
		echo "Either install Debian's part for it:  sudo apt-get install python3-venv" >&2; \
		echo "or install uv itself, and run make again." >&2; exit 1; }
	@echo "Fetching uv $(UV_VERSION)" >&2
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
