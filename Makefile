# `make` explains itself; CONTRIBUTING.md says more.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
UNITDIR ?= $(PREFIX)/lib/systemd/system
MANDIR ?= $(PREFIX)/share/man/man1
CARGO ?= cargo
DENY_VERSION := 0.20.2

TARGET := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release/weft
PAGES := $(TARGET)/pages
SET_UP := $(TARGET)/.set-up
# Namespaces and links need root: only what is run gets it, never the build.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo -E)
RUNNER := $(if $(SUDO),--config "target.'cfg(unix)'.runner='$(SUDO)'")

.PHONY: help setup demo test test-engines test-bpf test-kernels compare-forged sim-long lint fmt bench bench-programs bench-dns bench-control jepsen build install uninstall clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the tests and the lab need (Debian; starts no service)
	@dist/setup
	@mkdir -p $(TARGET) && touch $(SET_UP)

$(SET_UP): dist/setup
	@dist/setup
	@mkdir -p $(TARGET) && touch $@

demo: $(SET_UP) ## Three hosts on this machine, a network across them, a failure and its end
	$(CARGO) build --locked -p weft
	$(SUDO) $(TARGET)/debug/weft lab demo

# All in one call: cargo would build the crates twice for two selections of packages. Two at a time,
# however many cores: the end-to-end tests start whole hosts.
test: $(SET_UP) lint ## Everything that CI checks, end-to-end tests too
	$(CARGO) test --locked $(RUNNER) --workspace -- --test-threads=2

# Where the sandbox of a container is there before its driver is asked to join it (Docker 28 and newer).
SUITES ?= trixie sid
ENGINE_TESTS := lifecycle engine lookup many membership fallback egress
test-engines: $(SET_UP) ## The tests with Docker again, with the Engines of newer Debians (SUITES)
	$(CARGO) build --locked --workspace --bins
	@for suite in $(SUITES); do \
		$(SUDO) dist/engine $$suite $(abspath $(TARGET))/engines/$$suite && \
		WEFT_LAB_ENGINE_ROOT=$(abspath $(TARGET))/engines/$$suite $(CARGO) test --locked $(RUNNER) --workspace \
			$(addprefix --test ,$(ENGINE_TESTS)) -- --test-threads=2 || exit 1; \
	done

# Every end-to-end test with the engine that carries by programs. By name and not by package: cargo would build the crates
# anew for another selection of packages than that of `make test`.
END_TO_END := $(basename $(notdir $(wildcard test/e2e/tests/*.rs))) $(notdir $(patsubst %/main.rs,%,$(wildcard test/e2e/tests/*/main.rs)))
test-bpf: $(SET_UP) ## All end-to-end tests again, with the bpf engine
	$(CARGO) build --locked --workspace --bins
	WEFT_LAB_DATAPATH=bpf $(CARGO) test --locked $(RUNNER) --workspace \
		$(addprefix --test ,$(filter-out faults,$(END_TO_END))) -- --test-threads=2

# In virtual machines, since a kernel cannot be had otherwise. It installs QEMU if that is missing.
KERNELS ?= bullseye bookworm trixie
test-kernels: $(SET_UP) ## The tests of the kernel's edge on the kernels of other Debians (KERNELS), in virtual machines
	@tests=$$($(CARGO) test --locked --no-run --message-format=json -p weft-kernel | \
		sed -n 's/.*"executable":"\([^"]*\)".*/\1/p') && \
	for suite in $(KERNELS); do \
		$(SUDO) dist/vm/prepare $$suite $(abspath $(TARGET))/kernels/$$suite && \
		$(SUDO) dist/vm/run $(abspath $(TARGET))/kernels/$$suite dist/vm/tests $$tests || exit 1; \
	done

compare-forged: $(SET_UP) ## Forged VXLAN at Weft and at Docker's own overlay, in one run: what becomes of each packet
	$(CARGO) build --locked --workspace --bins
	$(CARGO) test --locked $(RUNNER) --workspace --test forged -- --nocapture --test-threads=1

SEEDS ?= 50000
sim-long: ## Small clusters of many kinds in virtual time, with all faults, SEEDS of them; each that fails prints its seed
	$(CARGO) run --locked --release -p weft-sim -- --vary --quiet --seeds $(SEEDS)

lint: ## Form, lints, layers, licences, documentation
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny --version $(DENY_VERSION)
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --quiet -p weft-house
	$(CARGO) deny --locked check bans licenses sources
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --workspace

fmt: ## Bring the sources into form
	$(CARGO) fmt --all

# One selection of packages for all that is measured: another one would be built anew.
MEASURED := -p weft -p weft-bench -p weft-nemesis -p weft-sim
bench: $(SET_UP) ## The data path beside Docker's overlay and the hosts' own network: target/bench/datapath.json and .svg
	$(CARGO) build --locked --release $(MEASURED)
	$(SUDO) $(TARGET)/release/weft-bench datapath
	$(SUDO) $(TARGET)/release/weft-bench scale

OTHERS ?=
bench-programs: $(SET_UP) ## What the programs take of a packet, beside other builds of bpf/guard.c (OTHERS="OLD.o ...")
	$(CARGO) bench --locked $(RUNNER) -p weft-kernel --bench programs -- $(abspath $(OTHERS))

bench-dns: $(SET_UP) ## The name server beside Docker's own, in one run: target/bench/dns.json
	$(CARGO) build --locked --release $(MEASURED)
	$(SUDO) $(TARGET)/release/weft-bench dns

bench-control: $(SET_UP) ## How soon names come, work and go, with five hosts: target/bench/control.json
	$(CARGO) build --locked --release $(MEASURED)
	$(SUDO) $(TARGET)/release/weft-bench control

NEMESIS_SECONDS ?= 120
NEMESIS_RUNS ?= 5
jepsen: $(SET_UP) ## Managers under every fault for long, embedded and on etcd; is what clients saw linearizable?
	$(CARGO) build --locked --release $(MEASURED)
	@for store in "raft --managers 3" "raft --managers 5" "etcd --managers 3"; do \
		$(SUDO) $(TARGET)/release/weft-nemesis run --store $$store --seconds $(NEMESIS_SECONDS) \
			--runs $(NEMESIS_RUNS) || exit 1; \
	done
	$(CARGO) build --locked --workspace --bins
	@for seed in $$(seq $(NEMESIS_RUNS)); do \
		WEFT_SEED=$$seed $(CARGO) test --locked $(RUNNER) --workspace --test faults -- --nocapture --test-threads=1 || exit 1; \
	done

build: ## Build the binary for installation
	$(CARGO) build --locked --release -p weft

# `sudo make install` after `make build` needs no Rust for root.
install: ## Install binary, systemd units, completions and manual (PREFIX, DESTDIR)
	@if command -v $(CARGO) >/dev/null; then $(MAKE) --no-print-directory build; \
	elif [ ! -x $(RELEASE) ]; then echo "type: make build, then: sudo make install" >&2; exit 1; fi
	install -D -m 755 $(RELEASE) $(DESTDIR)$(BINDIR)/weft
	@mkdir -p $(PAGES) $(DESTDIR)$(UNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|' dist/weft.service > $(DESTDIR)$(UNITDIR)/weft.service
	install -m 644 dist/weft.socket $(DESTDIR)$(UNITDIR)/weft.socket
	rm -rf $(PAGES)/man && mkdir -p $(PAGES)/man && $(RELEASE) man $(PAGES)/man
	install -d $(DESTDIR)$(MANDIR) && install -m 644 $(PAGES)/man/*.1 $(DESTDIR)$(MANDIR)
	$(RELEASE) completions bash > $(PAGES)/weft.bash
	$(RELEASE) completions zsh > $(PAGES)/_weft
	$(RELEASE) completions fish > $(PAGES)/weft.fish
	install -D -m 644 $(PAGES)/weft.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weft
	install -D -m 644 $(PAGES)/_weft $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_weft
	install -D -m 644 $(PAGES)/weft.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/weft.fish
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
	@echo "now type: systemctl enable --now weft.service"

uninstall: ## Take away what install brought; state in /var/lib/weft stays
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then \
		systemctl disable --now weft.service weft.socket || true; fi
	rm -f $(DESTDIR)$(BINDIR)/weft $(DESTDIR)$(UNITDIR)/weft.service $(DESTDIR)$(UNITDIR)/weft.socket
	rm -f $(DESTDIR)$(MANDIR)/weft.1 $(DESTDIR)$(MANDIR)/weft-*.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weft
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_weft
	rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/weft.fish

clean: ## Remove everything that was built
	$(CARGO) clean
