# EXTRA=gpu installs the CUDA build of vLLM instead of the CPU one; give it a VENV of its own.
EXTRA ?= cpu
PYTHON ?= python3
# Processes that run tests side by side; each takes up to 2 GB.
TESTERS ?= 2
# Parts of `make bench-evolution`, each a script.
EVOLUTION := equal many digits newtask ground ablations overfitting
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
SOURCES := $(shell find speciate agents archive configs evaluator population -type f -not -name '*.pyc')

.PHONY: quickstart system test forks lint types nightly check clean install
.PHONY: bench bench-merge bench-turnaround bench-adapters bench-items bench-lag bench-choice
.PHONY: bench-evolved bench-agents bench-archive bench-evolution

quickstart: install
	$(BIN)/speciate run configs/quickstart.toml --out runs/quickstart

# What pip does not install: sandboxes, and a browser to look at pages with in tests.
system:
	@(command -v bwrap && command -v chromium) > /dev/null || $(SUDO) apt-get update -qq
	@command -v bwrap > /dev/null || $(SUDO) apt-get install -qy bubblewrap
	@command -v chromium > /dev/null || $(SUDO) apt-get install -qy --no-install-recommends chromium \
	  || echo 'without chromium, pages are not looked at'

install: $(VENV)/installed

# What is tested is the installed package, not the checkout.
$(VENV)/installed: $(VENV)/ready $(SOURCES)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --reinstall-package speciate .
	@touch $@

$(VENV)/ready: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'speciate needs Python 3.11 or newer: make PYTHON=python3.11')"
	@echo 'setting up $(VENV): the first time takes a minute or two'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --group bootstrap
	@$(BIN)/uv pip install --quiet --python $(BIN)/python $(if $(filter gpu,$(EXTRA)),--no-config) --group dev '.[$(EXTRA)]'
	@touch $@

test: forks
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(TESTERS) --dist loadgroup

# Apart from the others, whose libraries start threads that a forked process would miss.
forks: install
	OMP_NUM_THREADS=1 $(BIN)/pytest -m forks tests/population

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# From elsewhere: here, the folder speciate/ would stand before the installed package.
types: install
	cd $(VENV) && bin/mypy --config-file $(CURDIR)/pyproject.toml -p speciate

check: lint types test

bench: install
	$(BIN)/python tests/bench/quickstart.py
	$(BIN)/python tests/bench/control.py

# Needs 5 GB of disk: a base and three experts of half a billion parameters are made and merged.
bench-merge: install
	$(BIN)/python tests/bench/merge.py

# Needs 5 GB of disk and 10 of memory, and an idle machine for some ten minutes.
bench-turnaround: install
	$(BIN)/python tests/bench/turnaround.py

# Two minutes: adapters of a tiny model, one and eight in a batch of the real vLLM.
bench-adapters: install
	$(BIN)/python tests/bench/adapters.py

# Three minutes of one core: workers and clock are simulated, all else is as ever.
bench-lag: install
	$(BIN)/python tests/bench/lag.py

# Eight minutes of one core: item response theory and racing on simulated populations.
bench-items: install
	$(BIN)/python tests/bench/items.py

# Half a minute of one core: who is asked for recipes, on simulated campaigns.
bench-choice: install
	$(BIN)/python tests/bench/choice.py

# A minute of one core, and 6 GB of memory.
bench-evolved: install
	$(BIN)/python tests/bench/evolved.py

# Eight minutes of one core: whole campaigns with good, bad and malformed agents, and without any.
bench-agents: install
	OMP_NUM_THREADS=1 $(BIN)/python tests/bench/agents.py

# Ten minutes of two cores and 1 GB of disk: archives of 10,000, 30,000 and 100,000 individuals.
bench-archive: install
	$(BIN)/python tests/bench/archive.py

# Hours of two cores; whoever stops it goes on with what is in runs/bench-evolution.
bench-evolution: install
	for part in $(EVOLUTION); do OMP_NUM_THREADS=1 $(BIN)/python tests/bench/evolution/$$part.py || exit 1; done

nightly: forks
	$(BIN)/pytest -m 'not forks' -o faulthandler_timeout=0

clean:
	rm -rf $(VENV) build *.egg-info
