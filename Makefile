# The one place for commands. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# rustup puts cargo there; a shell that was open before does not know yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo down build image test unit lint bench

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## from nothing to running clusters: install, build, start, and walk through it
	@scripts/install-tools build kubectl
	@scripts/docker-up
	@images/node/build
	@images/nginx/build
	@scripts/build --release
	@scripts/server-up target/release/jeroboam
	@scripts/demo target/release/jeroboam

down: ## stop what `make demo` started: no container, network, volume or process stays
	@scripts/server-down target/release/jeroboam
	@scripts/docker-down

build: ## build the programs into target/release
	@scripts/install-tools build
	@scripts/build --release

image: ## make the image of nodes and the small image for tests
	@scripts/docker-up
	@images/node/build
	@images/nginx/build

test: ## everything that must hold: lint, then all tests, those on real clusters included
	@scripts/install-tools build test engines bus world deny kubectl clients
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory image
	@scripts/build
	@cargo nextest run --locked --workspace

unit: ## the tests that need no Docker Engine
	@scripts/install-tools build test
	@cargo nextest run --locked --workspace --exclude jeroboam-tests

lint: ## format, clippy, licences and sources of what we depend on, shell scripts
	@scripts/install-tools build
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@scripts/lint-dependencies
	@scripts/lint-scripts

bench: ## measure, and print the table of the README
	@scripts/install-tools build kubectl bench
	@$(MAKE) --no-print-directory image
	@scripts/build --release
	@bench/run target/release/jeroboam
