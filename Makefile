# Every target does its own set-up, in .venv; nothing but Python 3.11+ and pip is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SECONDS ?= 12
STAMP := $(VENV)/.installed

.PHONY: demo test check corpus bench clean

# Channels are padded to blocks of 16, which AVX-512 has; elsewhere branches that are merged pay most.
GAINS := import ocost; \
	print("@odd_channels" if ocost.find_device("host").channel_block == 16 else "@repvgg_a0")

demo: $(STAMP)
	@echo "A saving that is real: convolutions that fit this CPU better, or are fewer."
	@echo "The first line says what was measured, and whether that is certain:"
	@echo
	@sample=$$($(BIN)/python -c '$(GAINS)') && \
		echo "ocost diff $$sample --measure --budget $(DEMO_SECONDS)" && \
		$(BIN)/ocost diff $$sample --measure --budget $(DEMO_SECONDS)
	@echo
	@echo "One that is not: MobileNetV2's BatchNormalizations, which the runtime folds by itself."
	@echo "The estimate of the graph as written falls; what is executed and measured does not:"
	@echo
	@echo "ocost diff @mobilenet_v2 --measure --budget $(DEMO_SECONDS)"
	@$(BIN)/ocost diff @mobilenet_v2 --measure --budget $(DEMO_SECONDS)

test: $(STAMP)
	$(BIN)/python -m pytest -n auto

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
	@# pip compiles what it installs, but nothing that stays where it is.
	$(BIN)/python -m compileall -q -x '/(\.venv|tests|bench)/' .
	@touch $@

clean:
	rm -rf $(VENV)
