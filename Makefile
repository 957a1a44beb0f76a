# Everything a reader or a developer runs. Needs Python >= 3.11 with venv, and make.
# The first call sets .venv up from requirements.lock; later calls reuse it.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
JOBS ?= 2
export PYTHONHASHSEED := 0

.PHONY: help lab test test-oldest interop notebooks docs bench fuzz corpora lint lock setup clean

help:
	@echo "make lab        open JupyterLab at the first notebook"
	@echo "make test       run every test (what is missing on this machine is skipped and named)"
	@echo "make test-oldest run the core tests on the oldest libraries that pyproject.toml allows"
	@echo "make interop    other people's SCEP programs at our CA and RA, our client at theirs; prints a table"
	@echo "make notebooks  build and run the notebooks from notebooks/src"
	@echo "make docs       build the pages of docs/ and the API reference in build/docs"
	@echo "make bench      measure speed, as ratios to a floor of the same run"
	@echo "make fuzz       coverage-guided fuzzing, SECONDS=30 for each target, an eighth for each reader of captures (Linux)"
	@echo "make corpora    thousands of other people's files through every reader (Linux; downloads 360 MB)"
	@echo "make lint       ruff and mypy; eslint and tsc where there is node"
	@echo "make lock       choose new versions of all dependencies"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "sceplab needs Python 3.11 or newer; try: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lab: setup
	$(BIN)/python -m sceplab.cli doctor
	$(BIN)/python -m jupyter lab --ServerApp.root_dir=$(CURDIR) --LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --durations=10

# The floors of pyproject.toml are true: each library that it names in its oldest version. Without
# the browser, its scripts, the notebooks and hostile input, which ask of our code more than of libraries.
# COVERAGE=1 also measures which lines and branches of sceplab ran, and fails below the floor that pyproject.toml
# has. It takes a quarter more time; what runs in a process of its own (a kernel, a server, a shell) is not measured.
OLDEST := .venv-oldest/bin/python

.venv-oldest/.ready: requirements-oldest.lock
	test -x $(OLDEST) || $(PYTHON) -m venv .venv-oldest
	$(OLDEST) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-oldest.lock
	touch $@

test-oldest: .venv-oldest/.ready
	PYTHONPATH=$(CURDIR) $(OLDEST) -m pytest -n $(JOBS) --dist loadgroup $(if $(COVERAGE),--cov) --ignore tests/browser \
		--ignore tests/project/test_notebooks.py --ignore tests/widgets/test_javascript.py \
		--ignore tests/walk/test_own_captures.py --ignore tests/walk/test_solutions.py \
		--ignore tests/walk/test_stopping.py --ignore tests/exercises/test_progress.py --ignore tests/project/test_wheel.py \
		--ignore-glob 'tests/*/test_hostile*.py'

# PyScep and scepreq want versions of their own, and a mended oscrypto: never in .venv.
PEERS := .venv-peers/bin/python

.venv-peers/.ready: interop/requirements.lock interop/prepare.py
	test -x $(PEERS) || $(PYTHON) -m venv .venv-peers
	$(PEERS) -m pip install --quiet --disable-pip-version-check --require-hashes -r interop/requirements.lock
	$(PEERS) interop/prepare.py
	touch $@

interop: setup .venv-peers/.ready
	$(BIN)/python -m pytest interop -n $(JOBS) --dist loadgroup

notebooks: setup
	$(BIN)/python -m tools.notebooks build

# The API reference is read from the source: nothing is imported, no module is listed by hand.
docs: setup
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -j $(JOBS) -d build/doctrees docs build/docs

bench: setup
	$(BIN)/python bench/bench_start.py
	$(BIN)/python bench/bench_decode.py
	$(BIN)/python bench/bench_viewer.py
	$(BIN)/python bench/bench_capture.py
	$(BIN)/python bench/bench_text.py
	$(BIN)/python bench/bench_lab.py
	$(BIN)/python bench/bench_oracle.py

SECONDS ?= 30
SEED ?= 0
fuzz: setup
	$(BIN)/python fuzz/fuzz_decode.py --seconds $(SECONDS) --seed $(SEED)

# Other people's test data through every reader. It downloads 360 MB, takes an hour or more, and is no part of CI.
corpora: setup
	$(BIN)/python -m tools.corpora --jobs $(JOBS)

# The browser's half of the views: eslint and tsc, from npm, never shipped.
JS := tools/js/node_modules
NODE := $(shell command -v npm > /dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(+(a < 20 || (a == 20 && b < 19)))' 2> /dev/null && echo yes)

$(JS)/.ready: tools/js/package.json tools/js/package-lock.json
	cd tools/js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

lint: setup $(if $(NODE),$(JS)/.ready)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
ifdef NODE
	$(JS)/.bin/eslint --config tools/js/eslint.config.js --max-warnings 0 sceplab/views/static
	$(JS)/.bin/tsc --project tools/js
else
	@echo "The JavaScript was not checked: that needs node 20.19 or newer, and npm."
	@test -z "$$SCEPLAB_REQUIRE_ALL"
endif

# `make lock UPGRADE=` keeps the versions, and adds what pyproject.toml has got new.
UPGRADE ?= --upgrade
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --quiet $(UPGRADE)
lock:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tools/lock/requirements.lock
	$(COMPILE) pyproject.toml --all-extras --group dev --group docs --group fuzz -o requirements.lock
	$(COMPILE) pyproject.toml --all-extras --group test --resolution lowest-direct -o requirements-oldest.lock
	$(COMPILE) interop/requirements.in -o interop/requirements.lock
	$(COMPILE) --no-deps tools/lock/requirements.in -o tools/lock/requirements.lock
	$(COMPILE) --no-deps tools/corpora/requirements.in -o tools/corpora/requirements.lock

clean:
	rm -rf .venv .venv-oldest .venv-peers tools/js/node_modules build .mypy_cache .ruff_cache .pytest_cache .hypothesis
