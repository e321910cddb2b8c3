# Every command a user or CI needs; `make` alone lists them. Works with GNU make 3.81, the one of macOS.
# CARGO_TARGET_DIR says where builds go (default: target), SENTINEL_DATA where candles are.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-crash test-cloud bench bench-cloud lint terraform-check image-check clean

# Absolute, because cargo also runs inside the folders of the strategies.
CARGO_TARGET_DIR ?= target
override CARGO_TARGET_DIR := $(shell case "$(CARGO_TARGET_DIR)" in (/*) echo "$(CARGO_TARGET_DIR)";; (*) echo "$(CURDIR)/$(CARGO_TARGET_DIR)";; esac)
export CARGO_TARGET_DIR
ifneq ($(SENTINEL_DATA),)
override SENTINEL_DATA := $(shell case "$(SENTINEL_DATA)" in (/*) echo "$(SENTINEL_DATA)";; (*) echo "$(CURDIR)/$(SENTINEL_DATA)";; esac)
export SENTINEL_DATA
endif

STRATEGIES := sma-cross rsi-reversion bollinger-breakout macd-trend donchian-turtle cvd-divergence

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: C compiler, pkg-config, wasm target, libduckdb (quick where all is there)
	@scripts/setup.sh

# --workspace, so that dependencies get the features they get in the tests and compile once for both.
build: setup ## Build the binary sentinel and the shipped strategies
	@cargo build --release --workspace --bins
	@scripts/build-strategies.sh $(STRATEGIES)

demo: build ## Compare the strategies, then let three trade half a year, from signals to the archive
	@PATH="$$CARGO_TARGET_DIR/release:$$PATH" scripts/demo.sh
	@PATH="$$CARGO_TARGET_DIR/release:$$PATH" scripts/demo-thread.sh

test: build ## Run all tests, then say which skipped themselves
	@scripts/test.sh

# `make test` draws a sample of these places: SENTINEL_SEED=N draws another.
test-crash: build ## Kill the functions at every write and order they make, and compare the end (minutes)
	@SENTINEL_CRASH_POINTS=all cargo test --release --workspace --test crash --test interrupted --test loops -- --nocapture

# Starts Google's emulators of Firestore and Pub/Sub, local-bigquery and a Cloud Storage, and ends them; says which of
# them cannot be had here. REQUIRE_EMULATORS=1 fails then.
test-cloud: build ## Run the tests of the cloud's adapters and of the thread on them, beside emulators
	@scripts/emulators.sh cargo nextest run --release --workspace --profile cloud
	@scripts/skipped-tests.sh "$$CARGO_TARGET_DIR/nextest/cloud/junit.xml"

bench: build ## Measure the speed and print it as ratios against a native loop
	@cargo bench -p sentinel-tests --bench '*'

# Starts Google's emulators and a Cloud Storage, and ends them. SENTINEL_LATENCY_ROUNDS: how many closes are measured.
bench-cloud: setup ## Measure the time from a closed candle to a position between processes, beside emulators
	@EMULATORS="firestore pubsub storage" scripts/emulators.sh cargo bench --workspace --bench latency

lint: setup ## Check format, clippy, documentation, licences and advisories
	@scripts/lint.sh

# Works without a project and without credentials; TERRAFORM_SCHEMA_TOOL names a stand-in for the provider, for machines
# that cannot download it. tests/terraform/seeded-mistakes.sh shows what it finds.
terraform-check: ## Check terraform/: format, validation, tests, checkov
	@scripts/terraform-check.sh

# Without a Docker engine; IMAGE_CHECK_BUILD=image runs the Dockerfile's own build command, from nothing.
image-check: ## Check the Dockerfile and the program that its image holds
	@scripts/image-check.sh

clean: ## Delete what builds left behind
	@cargo clean
