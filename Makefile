# The one door: every target does the set-up that it needs. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help demo test lab test-nodes test-vm test-matrix build release docs lint format pictures bench bench-verify \
  bench-terraform bench-hostile bench-readers instructions sweep fuzz setup clean

# A wholly static program starts in a third of the time, as nothing is left to relocate, and is one file that runs on
# any Linux of its architecture. Apple's systems have no such thing to link.
# Written in order instead of through a memory map, the file lies in the page cache in large pieces, and starts in a
# quarter less time until it is next read from disk.
static := $(if $(filter Linux,$(shell uname -s)),--static-swift-stdlib -Xswiftc -static-executable \
  -Xlinker --no-mmap-output-file)

# Set-up is skipped once it has been done with the present scripts; `make setup` does it again.
stamps := .build/setup
ready_to_build := $(stamps)/build
ready_to_test := $(stamps)/test
.NOTPARALLEL:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
	  printf '  %-15s %s\n' "$$target" "$$text"; done

demo: build ## render the example's Terraform outputs and show what each byte will do
	@scripts/demo

test: $(ready_to_test) ## build and run all tests
	@scripts/test

lab: $(ready_to_test) ## build what the VM tests boot against: once, in about ten minutes
	@scripts/lab

test-nodes: $(ready_to_test) ## boot clusters in containers: every case that needs no kernel or disk of its own
	@scripts/test-nodes

test-vm: $(ready_to_test) ## boot user-data in virtual machines: one that passes, some that must fail
	@scripts/test-vm smoke

test-matrix: $(ready_to_test) ## every boot there is, and write the documentation's page of faults
	@scripts/test-vm matrix

build: $(ready_to_build) ## build the release binary, .build/release/k3seed
	swift build --configuration release $(static) --product k3seed

release: build ## make what people install, in dist/: archive, Debian package, checksums, formula, Dockerfile
	@scripts/release

docs: $(ready_to_test) ## make the documentation's site in .build/site, and check it
	@scripts/docs $(BASE)

lint: $(ready_to_test) ## check formatting, scripts and the house's rules
	@scripts/lint

format: $(ready_to_build) ## rewrite the Swift files as `make lint` wants them
	swift format --in-place --recursive --parallel Package.swift $(wildcard Sources Tests Plugins)

pictures: $(ready_to_test) ## take the documentation's pictures of pages again; look at them afterwards
	K3SEED_RECORD=pictures swift test --filter pictureTests || true

bench: $(ready_to_test) build ## measure whole-process times and write Benchmarks/README.md
	.venv/bin/python Benchmarks/run.py

bench-verify: $(ready_to_test) build ## measure verifications beside bare boots, into Benchmarks/README.md
	.venv/bin/python Benchmarks/verify.py .build/release/k3seed debian-12

bench-terraform: $(ready_to_test) build ## measure Terraform's plans of fleets, into Benchmarks/README.md
	.venv/bin/python Benchmarks/terraform_plan.py .build/release/k3seed

bench-hostile: build ## give 25 MB inputs that are made to cost much to every command that reads
	.venv/bin/python Benchmarks/hostile.py .build/release/k3seed

bench-readers: $(ready_to_test) build ## measure all bars of readers, beside their peers, into Benchmarks/README.md
	.venv/bin/python Benchmarks/readers.py .build/release/k3seed

instructions: $(ready_to_test) build ## compare instruction counts with those stored; K3SEED_RECORD=1 stores them anew
	.venv/bin/python Benchmarks/instructions.py .build/release/k3seed

sweep: $(ready_to_test) build ## look for secrets in all that every command leaves behind: about 7,000 commands
	.venv/bin/python -B Tests/Canaries/sweep.py .build/release/k3seed

fuzz: $(ready_to_build) ## fuzz every reader, ten minutes in all; SECONDS=3600 for longer
	@scripts/fuzz $(or $(SECONDS),600)

setup: ## do the set-up again, whatever was done before
	@rm -f $(ready_to_build) $(ready_to_test)
	@$(MAKE) --no-print-directory $(ready_to_test)

clean: ## remove what was built; .venv and the system's packages stay
	rm -rf .build demo dist

$(ready_to_build): scripts/setup
	@scripts/setup build
	@mkdir -p $(stamps) && touch $@

$(ready_to_test): scripts/setup scripts/requirements.txt
	@scripts/setup test
	@mkdir -p $(stamps) && touch $@ $(ready_to_build)
