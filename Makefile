# Every target sets up what it needs: a virtual environment in .venv, the package in it, and octave-cli where it can be had.
.PHONY: docker demo dist-check docs docs-pages picture test torture studies agreement bench bench-quick bench-larger bench-gpu lint format clean help

VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# small matrices: one BLAS thread a process is faster, and the tests run in two processes
export OPENBLAS_NUM_THREADS ?= 1
# tests start hundreds of Pythons: each loads compiled modules, also where the environment forbids to keep them
export PYTHONDONTWRITEBYTECODE :=

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

demo: $(READY)   ## train a deep autoencoder on digits and compare each step with the MATLAB reference
	@sh tools/ensure_octave.sh
	@$(BIN)/hf-compat demo

test: $(READY)   ## run all tests
	@sh tools/ensure_octave.sh
	@sh tools/ensure_redis.sh
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

torture: $(READY) ## kill a run at every operation on files, and refuse it every one: 11 minutes on a busy machine
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m torture $(PYTEST_ARGS)

studies: $(READY) ## train on the long-range tasks and print which runs meet their criterion
	@$(BIN)/python -m pytest -n 2 -m study -rP $(PYTEST_ARGS)

agreement: $(READY) ## print how far the port is from the published program's recorded numbers
	@$(BIN)/python -m tests.parity.agreement

bench: $(READY)  ## measure every table of benchmarks/RESULTS.md (up to 15 minutes; needs a quiet machine)
	@sh tools/ensure_octave.sh
	@env -u OPENBLAS_NUM_THREADS $(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-quick: $(READY) ## the same on less; nothing is written
	@sh tools/ensure_octave.sh
	@env -u OPENBLAS_NUM_THREADS $(BIN)/python -m benchmarks --quick $(BENCH_ARGS)

bench-larger: $(READY) ## train on 12 GB of mapped cases within 4 GB (writes a file of 12 GB to the temporary directory)
	@env -u OPENBLAS_NUM_THREADS $(BIN)/python -m benchmarks --only larger $(BENCH_ARGS)

bench-gpu:       ## check and measure the GPU part (needs CUDA, CuPy, numpy, threadpoolctl; no network)
	@$(or $(wildcard $(BIN)/python),python3) -m benchmarks.gpu

docs: $(VENV)/.docs ## build the documentation into docs/_build/html; its tutorials are run, and an error in one is an error
	@sh tools/ensure_octave.sh
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

docs-pages: $(VENV)/.docs ## the same without running the tutorials, to check pages and docstrings in seconds
	@$(BIN)/python -m sphinx -W --keep-going -q -b html -D plot_gallery=0 docs docs/_build/pages

picture: $(READY) ## draw the README's picture, docs/images/demo.png, again
	@$(BIN)/hf-compat demo --recorded >/dev/null
	@cp demo_output/reconstructions.png docs/images/demo.png

docker:          ## build the container and run its default command: one process and two train to the same bits
	@docker build -t hf-compat . && docker run --rm hf-compat

lint: $(READY)   ## format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

dist-check: $(READY) ## build wheel and sdist, install each in an empty environment, run the recorded demo there
	@$(BIN)/python tools/dist_check.py

format: $(READY) ## put the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

$(READY): pyproject.toml
	@sh tools/make_venv.sh $(VENV)
	@touch $@

$(VENV)/.docs: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

clean:           ## remove everything that the targets made
	rm -rf $(VENV) demo_output docs/_build docs/auto_tutorials .pytest_cache .ruff_cache .hypothesis .coverage*
