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

.PHONY: help run board drill verify-release chronology watch status backup restore purge rollback catalogue sample check airflow bench fuzz audit sbom test lint format

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s  %s\n", $$1, $$2}' Makefile

run: $(READY) ## The night, once: exports in the inbox become lists, issues and a warehouse (AS_AT=YYYY-MM-DD)
	@$(BIN)/send-ready run

board: $(READY) ## The board's edition of a month, its own and the public one (MONTH=YYYY-MM; last month without)
	@$(BIN)/send-ready edition $$MONTH

drill: $(READY) ## The day of an inspection, rehearsed and timed: on the sample, or on your exports without releasing
	@$(BIN)/send-ready drill

verify-release: $(READY) ## Proof that nothing released was changed since; HEAD=hash: nor the log since that was told
	@$(BIN)/send-ready verify-release $${HEAD:+--head "$$HEAD"}

chronology: $(READY) ## What happened to named children, as a workbook (IDS="ID ID" NOTIFIED_ON=YYYY-MM-DD)
	@if [ -z "$$IDS" ]; then echo "Say which children: make chronology IDS=\"ID ID\" NOTIFIED_ON=YYYY-MM-DD" >&2; exit 2; fi
	@$(BIN)/send-ready chronology $$IDS $${NOTIFIED_ON:+--notified-on "$$NOTIFIED_ON"}

watch: $(READY) ## Looks whether a deadline or the night was missed and nobody was told; for cron or a systemd timer
	@$(BIN)/send-ready watch

status: $(READY) ## How it stands: the last run, the pack, feeds, disk, and what to do (fails when there is something)
	@$(BIN)/send-ready status

backup: $(READY) ## What cannot be built again, as one archive (TO=/a/folder/on/another/disk)
	@if [ -z "$$TO" ]; then echo "Say where to: make backup TO=/a/folder/on/another/disk" >&2; exit 2; fi
	@$(BIN)/send-ready backup "$$TO"

restore: $(READY) ## Such an archive into an empty SEND_HOME (FROM=/the/archive.tar.gz)
	@if [ -z "$$FROM" ]; then echo "Say which: make restore FROM=/the/archive.tar.gz" >&2; exit 2; fi
	@$(BIN)/send-ready restore "$$FROM"

purge: $(READY) ## What is older than its period; removed, and on record, with DO=1 BY="name" WHY="reason"
	@$(BIN)/send-ready purge $${DO:+--do} $${BY:+--by "$$BY"} $${WHY:+--why "$$WHY"}

rollback: $(READY) ## The published warehouse before this one takes its place again, until the next night
	@$(BIN)/send-ready rollback

catalogue: $(READY) ## Every table and column of the warehouse and where it comes from, as one page
	@$(BIN)/send-ready catalogue

sample: $(READY) ## An invented council's exports into the inbox (LA= PLANS= SEN_SUPPORT= SEED= FAULTS= AS_AT=)
	@$(BIN)/send-ready sample $${LA:+--la "$$LA"} $${PLANS:+--plans "$$PLANS"} \
		$${SEN_SUPPORT:+--sen-support "$$SEN_SUPPORT"} $${SEED:+--seed "$$SEED"} $${FAULTS:+--faults "$$FAULTS"}

check: $(READY) ## Before the night: the configuration and the inbox, or one export (FILE=path FEED=source.feed)
	@$(BIN)/send-ready check $${FILE:+"$$FILE"} $${FEED:+--feed "$$FEED"}

airflow: $(READY) ## Airflow with its web page, on this machine only (PORT=8080)
	@exec $(BIN)/python -m commands.airflow_home $$PORT

bench: $(READY) ## Time, processor and memory of each step at Lancashire's size, beside a floor
	@$(BIN)/python -m bench

fuzz: $(READY_TO_TEST) ## Mutated exports through landing and reading, for as long as you like (FOR=600 seconds, SEED=1)
	@$(BIN)/python -m tests.fuzz --seconds $${FOR:-600} --seed $${SEED:-1}

audit: $(READY_TO_TEST) ## Known vulnerabilities of what is installed, asked of PyPI, else of OSV (fails when there are any)
	@$(UV) export --locked --no-dev --no-emit-project --quiet | $(BIN)/python -m supply.audit

sbom: $(READY_TO_TEST) ## The bill of materials, as CycloneDX (TO=build/send-ready.cdx.json)
	@$(UV) export --locked --no-dev --format cyclonedx1.5 --preview-features sbom-export --quiet \
		| $(BIN)/python -m tools.supply.bill "$${TO:-build/send-ready.cdx.json}"

test: lint ## Every check and test (first installs what they need from Debian, where it may)
	@$(BIN)/python -m tests.debian
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

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
