# `make demo` and `make test` are all one needs; both start from nothing but Python ≥ 3.11 and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: venv demo test test-cluster test-long tests check docs faults fuzz fuzz-api samples bench clean

# All that tests, checks and documents need; again only when pyproject.toml has changed.
venv: $(VENV)/.test-ready

demo: $(VENV)/.demo-ready
	rm -rf build/demo
	$(BIN)/vhashdb demo --keep build/demo
	@echo "To go on with the README or the tutorial, in this shell:  . $(BIN)/activate"

# Checks run beside the tests: mypy keeps one processor busy for half a minute where nothing was checked before.
test: $(VENV)/.test-ready
	$(MAKE) --jobs 2 check tests

# All examples of property tests; `make test` draws a quarter of them (tests/examples.py).
test-long: $(VENV)/.test-ready
	VHASHDB_TEST_LONG=1 $(MAKE) --jobs 2 check tests

# What of Ray fails is tried once more: where a machine is busy, Ray gives up processes.
# What is about records, on a PostgreSQL server that the tests start (Debian's package is called postgresql); then the index in shards, jobs
# and the service on Ray, which is installed for it. Where a machine is busy Ray may give up a process: what fails on it runs once more.
test-cluster: $(VENV)/.cluster-ready
	VHASHDB_TEST_POSTGRES=required $(BIN)/python -m pytest -n 2 tests/store tests/test_database.py tests/test_videos.py tests/review \
	    tests/service/test_fronts.py $(addprefix tests/exchange/test_, promotion.py sync.py trust.py reviews.py same_video.py undoing.py transparency.py importing.py publishing.py)
	VHASHDB_TEST_POSTGRES=required VHASHDB_TEST_RAY=required $(BIN)/python -m pytest -n 0 tests/cluster || \
	    VHASHDB_TEST_POSTGRES=required VHASHDB_TEST_RAY=required $(BIN)/python -m pytest -n 0 --last-failed tests/cluster

# More processes than processors: many tests wait for something. Each takes neighbours, which share what they prepare, and at the
# end from the one that has most left.
tests: $(VENV)/.test-ready
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site in site/, and man pages in man/ (MANPATH=man: man vhashdb-match). `python docs/run.py --write` brings what the
# pages show up to date.
docs: $(VENV)/.test-ready
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/json_reference.py
	$(BIN)/python docs/draw_copies.py
	$(BIN)/python docs/make_man_pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# A thousand seeded trials: killed processes, full disks, read-only file systems, wrong clocks, crowds of writers and readers.
faults: $(VENV)/.test-ready
	$(BIN)/python -m tests.faults

samples: $(VENV)/.demo-ready
	$(BIN)/python data/samples/make_samples.py

# The benchmarks read footage that is not in the repository; see bench/README.md.
bench: $(VENV)/.test-ready
	$(BIN)/python -m bench.accuracy $(CORPUS)
	$(BIN)/python -m bench.speed $(CORPUS)

# Mutated files of every kind that is read, given to the real program: a quarter of an hour.
fuzz: $(VENV)/.test-ready
	$(BIN)/python -m tests.fuzz --seed $(or $(SEED),1)

# Many requests drawn from the description of the HTTP API, those that follow it and those that do not: some minutes.
fuzz-api: $(VENV)/.test-ready
	VHASHDB_API_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/python -m pytest -q -n 0 tests/service/test_openapi.py

clean:
	rm -rf $(VENV) build man site *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip

# -qq: setuptools has a warning about editable installs that looks like a failure. Errors are shown.
$(VENV)/.demo-ready: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -qq --editable .
	touch $@

$(VENV)/.test-ready: $(VENV)/.demo-ready
	$(BIN)/python -m pip install -qq --editable '.[test,check,docs]'
	touch $@

# Apart from the others, because Ray is large.
$(VENV)/.cluster-ready: $(VENV)/.test-ready
	$(BIN)/python -m pip install -qq --editable '.[test-cluster]'
	touch $@
