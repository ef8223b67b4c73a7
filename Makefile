# Every target does its own set-up, in .venv; nothing but Python 3.11+ and pip is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check corpus bench clean

demo: $(STAMP)
	$(BIN)/ocost diff @mobilenet_v2

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

corpus: $(STAMP)
	$(BIN)/python bench/corpus.py $(CORPUS)

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet onnx-tool
	$(BIN)/python bench/cost_speed.py $(MODELS)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ocost needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
