# Everything a contributor runs. CI runs the same targets (.ci/run).

PKG ?= ./...
SHORT ?= -short
# SQLite, transpiled from C, does most of the work of a test under the race detector, and regular
# expressions much of the rest. They, SQLite's C library and its allocator are built without it. So is what is
# below sync: a mutex tells the race detector by itself who had it before, and SQLite takes one for each
# piece of memory. Races in Curfew's own code are found all the same (race_test.go).
RACE = -race $(foreach p,modernc.org/sqlite/lib modernc.org/libc modernc.org/memory regexp regexp/syntax internal/sync,-gcflags=$(p)=-race=false)
# Many tests wait for a process or a moment, so more run at once than there are cores. There is memory to
# save the garbage collector's time, and nobody debugs what is linked here. `make lint` looks closer than
# go test would, and once. The race detector waits for a tenth of a second at an exit, not for one.
GO_TEST = GOGC=300 GORACE=atexit_sleep_ms=100 scripts/repeat-failures scripts/with-postgres -m go test $(RACE) -ldflags=-w -vet=off -parallel 4 -shuffle=on -timeout 40m
LINT = bin/golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Start Curfew here, on SQLite
	bin/curfew serve

.PHONY: demo
demo: build ## See a simulated marketplace in fast motion, on a database that is thrown away
	bin/curfew demo

.PHONY: test
test: test-deps ## Run the tests, with the race detector, on PostgreSQL and SQLite (PKG=./lifecycle for one room)
	$(GO_TEST) $(SHORT) $(PKG)

.PHONY: check
check: lint figures test ## All that CI asks: lint, figures, test

.PHONY: figures
figures: ## Measure the code beside its limits: surface, sizes, words, imports (bin/figures -h for more)
	@go -C tools test ./figures ./release
	@go -C tools build -trimpath -buildvcs=false -o ../bin/figures ./figures
	@bin/figures

.PHONY: long
long: test-deps ## Run what takes too long for every change: long forms of tests, upgrades from every older program
	scripts/long

# Half of a linter's time would be the garbage collector's. contextcheck alone takes as long as all the others: make long
# runs it.
.PHONY: lint
lint: export GOGC = 400
lint: QUICK = $(if $(SHORT),--disable=contextcheck)
lint: $(LINT) ## Look for mistakes with the linters of .golangci.yml: go vet's, the format's and more
	$(LINT) run $(QUICK) ./...
	cd tools && ../$(LINT) run $(QUICK) ./...
	cd bench && ../$(LINT) run $(QUICK) ./...
	scripts/check-libc

.PHONY: fmt
fmt: $(LINT) ## Format the code
	$(LINT) fmt

.PHONY: mutants
mutants: test-deps ## Plant bugs, one after the other, and show which test catches each (ONLY="name name" for a few)
	go -C tools build -trimpath -buildvcs=false -o ../bin/mutants ./mutants
	scripts/with-postgres -m bin/mutants $(if $(ONLY),,-write docs/mutants.md) tools/mutants/patches $(ONLY)

.PHONY: build
build: ## Build bin/curfew, static
	CGO_ENABLED=0 go build -trimpath -o bin/curfew ./cmd/curfew

.PHONY: release
release: ## Build what is published of the version in CHANGELOG.md, into bin/release (docs/releasing.md)
	@go -C tools run -trimpath -buildvcs=false ./release -source $(CURDIR) $(CURDIR)/bin/release

.PHONY: bench
bench: test-deps ## Measure Curfew against its peers, on disk
	scripts/with-postgres go -C bench run .

.PHONY: cover
cover: test-deps ## Run every test and say which lines none of them reached
	@mkdir -p bin
	$(GO_TEST) -coverpkg=./... -coverprofile=bin/cover.out $(PKG)
	go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -n 1
	@echo "line by line: bin/cover.html"

.PHONY: clean
clean: ## Delete what these targets built
	rm -rf bin

# Steps of the targets above.

.PHONY: print-race
print-race: # for race_test.go
	@echo $(RACE)

.PHONY: test-deps
test-deps:
	@scripts/install-test-deps

# Built once, and again when its version changes. No version control stamp: the linter is not ours.
$(LINT): tools/go.mod tools/go.sum
	go -C tools build -trimpath -buildvcs=false -o ../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint
