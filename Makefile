# A newcomer needs two commands: `make demo` and `make test`. The second reuses what the first built.

.DEFAULT_GOAL := help
SHELL := /bin/sh
PREFIX ?= /usr/local

# Every debug build has the same flags, so that no target rebuilds what another one built.
strict := --explicit-target-dependency-import-check error

.PHONY: help demo test test-long test-browser bench build release release-schema install lint format hooks clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

demo: ## Count the sample traffic on private servers and print the report (ARGS="--fresh …")
	@scripts/demo "$(strict)" $(ARGS)

test: build ## Run every test on private servers
	@scripts/require-packages test
	@scripts/python-tools >/dev/null
	@scripts/run-tests $(strict)

test-long: build ## Run every test, with two minutes for each random test
	@scripts/require-packages test
	@scripts/python-tools >/dev/null
	METERING_TEST_SECONDS=120 scripts/run-tests $(strict)

test-browser: build ## Check the HTML report in Chromium; pictures stay in .build/browser
	@scripts/require-packages browser
	python3 Tests/Browser/test_report_page.py

bench: release ## Compare its cost with the raw stores and peers, in half an hour (docs/performance.md)
	@scripts/require-packages bench
	@missed=0; for bench in scripts/bench-*; do "$$bench" || missed=1; done; exit $$missed

build: ## Build programs and tests (debug); refuses undeclared imports
	@scripts/require-packages build
	swift build --build-tests $(strict)

release: ## Build the programs for production
	@scripts/require-packages build
	swift build --configuration release $(strict)

release-schema: ## Freeze the schema for a tag: writes the list that a test compares from then on
	scripts/release-schema > Tests/released-schema.txt

install: release ## Put the programs into PREFIX/bin and the examples into PREFIX/share
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 .build/release/metering-worker .build/release/metering-demo .build/release/billing \
		"$(DESTDIR)$(PREFIX)/bin/"
	install -d "$(DESTDIR)$(PREFIX)/share/metering-worker"
	install -m 644 Examples/access.log "$(DESTDIR)$(PREFIX)/share/metering-worker/"
	@for part in prometheus grafana systemd; do \
		install -d "$(DESTDIR)$(PREFIX)/share/metering-worker/$$part"; \
		install -m 644 Examples/$$part/* "$(DESTDIR)$(PREFIX)/share/metering-worker/$$part/" || exit 1; \
	done

lint: ## Check the format of all Swift files
	swift format lint --strict --recursive --parallel Sources Tests Benchmarks Examples Package.swift

format: ## Format all Swift files
	swift format --in-place --recursive --parallel Sources Tests Benchmarks Examples Package.swift

hooks: ## Check the format before each commit
	git config core.hooksPath scripts/hooks

clean: ## Remove what was built and the demo's data
	rm -rf .build .local
