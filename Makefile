# Two commands do everything on a fresh machine: `make demo` and `make test`.
#   make demo [AUDIO=story.wav LANGUAGE=que]   the main job, shown
#   make demo-speakers                         its second part alone: who speaks, in which language, and what
#   make demo-adapt                            a new language learnt from minutes of synthetic speech
#   make TORCH=cuda demo                       the same, with a torch that computes on an NVIDIA GPU
#   make app                                   the app in the browser, on a sample collection that is made first
#   make test                                  lint, types, tests, the app's pages in Chromium
#   make test-browser                          of these the tests that drive a browser, alone
#   make proof                                 full counts and limits; slow
#   make golden                                written files of tests/golden anew; read the diff
#   make bench                                 speed and memory figures into benchmarks/results/
#   make bundle                                a folder of wheels for a machine without a network

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
CPU_INDEX ?= https://download.pytorch.org/whl/cpu
WORKERS ?= 2
# The processor alone, or cuda for a machine with an NVIDIA GPU (3 GB more).
TORCH ?= cpu

.PHONY: demo demo-adapt demo-speakers app test lint test-browser system golden proof bench bundle clean

demo: $(VENV)/.demo
	$(BIN)/python demos/first_transcript.py $(if $(AUDIO),--audio "$(AUDIO)") $(if $(LANGUAGE),--language "$(LANGUAGE)")
	$(if $(AUDIO),,$(BIN)/python demos/who_speaks.py)

demo-speakers: $(VENV)/.demo
	$(BIN)/python demos/who_speaks.py $(if $(AUDIO),--audio "$(AUDIO)") $(if $(LANGUAGE),--language "$(LANGUAGE)")

demo-adapt: $(VENV)/.demo
	$(BIN)/python demos/adapt_a_language.py

app: $(VENV)/.app
	$(BIN)/python demos/review.py

# As many processes as WORKERS; each opens one Chromium at most, for one file of tests at a time.
# What failed beside other tests is run again alone, and fails if it fails there: a browser on a slow machine may lose a race with them.
# Both results are printed; what passed only alone is a fault to be looked at.
test: $(VENV)/.dev system lint
	$(BIN)/python -m pip check
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile tests \
	  || $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-browser: $(VENV)/.dev system
	$(BIN)/python -m pytest -q -m 'browser and not slow' tests

system:
	@sh tests/system.sh

golden: $(VENV)/.dev
	GOLDEN=1 $(BIN)/python -m pytest -q tests/golden
	git diff --stat tests/golden

proof: $(VENV)/.dev
	$(BIN)/python -m pytest -q -m "not gpu and not network" tests
	$(MAKE) bench

bench: $(VENV)/.dev
	for script in $(filter-out benchmarks/figures.py benchmarks/keyboard.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

bundle: $(VENV)/.torch
	$(BIN)/python recipes/make_bundle.py --out dist/bundle
	$(BIN)/python recipes/make_bundle.py --out dist/bundle --check

clean:
	rm -rf $(VENV) build dist *.egg-info demo-output

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and alone: the CPU build (200 MB) where any index has it, else what the configured index gives.
$(VENV)/.torch: $(VENV)/.python constraints.txt
ifeq ($(TORCH),cuda)
	@$(PIP) 'torch==2.13.0'
	@$(BIN)/python -W ignore -c 'import torch, sys; sys.exit(not torch.version.cuda and "the index gave a torch without CUDA: name one that has it, with PIP_INDEX_URL")'
else
	@$(PIP) 'torch==2.13.0+cpu' 2>/dev/null \
	  || $(PIP) --retries 0 --timeout 15 --index-url $(CPU_INDEX) 'torch==2.13.0' 2>/dev/null \
	  || $(PIP) 'torch==2.13.0'
	@$(BIN)/python -W ignore -c 'import torch, shutil, sys; sys.exit(bool(torch.version.cuda) and not shutil.which("nvidia-smi") and "a CUDA build of torch (3 GB) was installed on a machine without an NVIDIA driver: see README, Installing")'
endif
	@touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[tts]'
	@touch $@

$(VENV)/.app: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[tts,app]'
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[tts,adapt,app,diarise,dev]'
	@touch $@ $(VENV)/.demo $(VENV)/.app
