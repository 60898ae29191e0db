# Every target with a ## is listed by `make help`.
.DEFAULT_GOAL := help
.PHONY: help build test check tools fuzz model crash chaos plans bench lint docs clean

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 60s
ROUNDS   ?= 300
RUNS     ?= 20000
MINUTES  ?= 10
EVENTS   ?= 10000000

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/varsel, static, for this machine
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/varsel ./cmd/varsel

test: tools model ## everything that must pass: format, vet, tests with the race detector, short fuzz runs
	@$(GO) run ./scripts/runtests

check: ## the quick one while working: no race detector, no fuzzing, no tools installed
	@$(GO) run ./scripts/runtests -race=false -fuzz=0

tools: ## install what the tests and examples need (openssl, python3, Chromium, npm packages)
	@scripts/install-test-tools

fuzz: ## every fuzz target for FUZZTIME (60s) each
	@$(GO) run ./scripts/runtests -fuzzonly -fuzz=$(FUZZTIME)

model: ## the model of order against the engine, thousands of runs; the tests repeat hundreds with the race detector
	@$(GO) test ./internal/delivery -run TestModelOfOrder -count=1 -model.runs 2500

crash: ## kill -9 under load, ROUNDS times (300), and the model of order, RUNS times (20000)
	$(GO) test ./cmd/varsel -run 'TestCrash|TestSwitchingUnderLoad' -count=1 -timeout=60m -v -crash.rounds $(ROUNDS)
	$(GO) test ./internal/delivery -run TestModelOfOrder -count=1 -timeout=60m -model.runs $(RUNS)
	$(GO) test ./internal/delivery -run TestOrderHoldsOverAnyTakeover -count=1 -timeout=60m -takeover.runs 60

plans: ## the plans of PostgreSQL's hot statements over EVENTS events (10000000); the tests look at them over a million
	$(GO) test ./internal/store/postgres -run TestHotStatements -count=1 -timeout=60m -v -plans.events $(EVENTS)

chaos: build ## three nodes over one PostgreSQL, and every trouble there is, for MINUTES (10)
	bin/varsel bench chaos --minutes $(MINUTES)

bench: build ## the hub beside the machine's ceiling for the same work
	bin/varsel bench

lint: ## golangci-lint, when it is installed
	golangci-lint run

docs: ## write the generated pages anew: docs/errors, docs/configuration.md, the table in docs/access.md, the words of the OpenAPI document
	$(GO) test ./internal/fault -run TestPages -update
	$(GO) test ./internal/config -run TestThePageIsMadeOfTheCode -update
	$(GO) test ./internal/account -run TestTheDocumentedRules -update
	$(GO) test ./internal/web/api -run TestTheWordsAreTheComments -update

clean: ## remove what was built
	rm -rf bin tmp coverage.out test/oracles/node_modules examples/typescript/node_modules examples/typescript/dist
