# `make help` lists the targets. LESSON=03 limits a target to one lesson; WORKERS=2 tests in two processes at a time.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
LESSON ?=
LADDER ?=
MODELS ?=
RECORD ?=
TORCH  ?=
OUT    ?= out
WORKERS ?= 3
ROOT_USER := $(filter 0,$(shell id -u))

# One thread a process: the models are small, and results don't depend on the machine's number of cores.
export OMP_NUM_THREADS := 1

.PHONY: help setup lab test test-quick build grade grade-plain report release site teach bench experiments data full clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Make the virtual environment .venv and install what is pinned

$(READY): requirements.txt pyproject.toml autograder/setup_check.py autograder/install_torch.py autograder/jupyterlab_settings.json
	@$(PYTHON) autograder/setup_check.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) (about 2 GB of disk, a few minutes) ..."
	@TORCH="$(TORCH)" $(BIN)/python autograder/install_torch.py
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt \
	  || { echo "Installing failed. With no network: point pip at a mirror (PIP_INDEX_URL), then run 'make setup' again." >&2; exit 2; }
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@cp autograder/jupyterlab_settings.json $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $(READY)

lab: setup  ## Open JupyterLab on the start page
	@PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/jupyter lab --ServerApp.root_dir="$(abspath lessons)" \
	  --LabApp.default_url=/lab/tree/start.ipynb \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(if $(ROOT_USER),--allow-root)

test: setup  ## Prove everything: checks, banks, mutants, build, notebooks, grading, browser
	@$(BIN)/python -m autograder doctor --tests
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m autograder build --check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --durations=30 \
	  --nbval --nbval-sanitize-with tests/lessons/sanitize.cfg tests solutions

test-quick: setup  ## The fast part of the tests, for one's own loop (LESSON=03: only what proves that lesson)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m $(if $(LESSON),autograder prove $(LESSON),pytest -n $(WORKERS) -m "not slow and not browser")

build: setup  ## Rebuild notebooks whose sources changed (CHECK=1: only say what is out of step)
	@$(BIN)/python -m autograder build $(LESSON) $(if $(CHECK),--check) $(if $(FORCE),--force)

grade: setup  ## Grade the bundled class of invented students: sealed checks in the sandbox; marks and pages in out/sealed/
	@$(BIN)/python -m autograder invent $(LESSON) --out $(OUT)/sealed-in
	@for lesson in $(or $(LESSON),$(notdir $(wildcard lessons/*_*))); do \
	  $(BIN)/python -m autograder grade $$lesson --submissions $(OUT)/sealed-in --out $(OUT)/sealed || exit $$?; done
	@$(BIN)/python -m autograder feedback $(LESSON) --out $(OUT)/sealed
	@$(BIN)/python -m autograder report $(LESSON) --out $(OUT)/sealed

report: grade  ## The same: `make grade` writes feedback and reports, too

grade-plain: setup  ## Grade the same class with plain nbgrader, without the sandbox, for comparison; in out/demonstration/
	@$(BIN)/python -m autograder demonstrate $(LESSON) --out $(OUT)

release: setup  ## Make the learner's bundle out/attention-course.zip, and a wheel of lessonkit for a notebook anywhere
	@$(BIN)/python -m autograder release --out $(OUT)

site: setup  ## Make web pages of the course, without answers, in out/site
	@$(BIN)/python -m autograder site --out $(OUT)

teach: setup  ## Write the instructor's pack into out/teach: plans, sheets, slides, an exam with solutions (SEED=1)
	@$(BIN)/python -m autograder teach --out $(OUT) --seed $(or $(SEED),1)

bench: setup  ## Measure: an author's loops, latency of checks, run times of lessons, results of models, as tables
	@$(BIN)/python -m autograder bench $(LESSON)

experiments: setup  ## Rerun the recorded comparisons over seeds (minutes to an hour)
	@$(BIN)/python -m autograder experiments $(LESSON)

data: setup  ## Rebuild the shipped data sets, byte for byte (CHECK=1: only compare)
	@$(BIN)/python -m autograder data $(if $(CHECK),--check)

full: setup  ## Train a lesson on real data (03, 04, 06, 11, 13, 14) for MINUTES=30 (LADDER=multi30k: all translators, one after another)
	@$(BIN)/python -m autograder full $(or $(LESSON),03) --minutes $(or $(MINUTES),30) --out $(OUT) \
	  $(if $(LADDER),--ladder $(LADDER)) $(if $(MODELS),--models $(MODELS)) $(if $(RECORD),--record)

clean:  ## Remove what grading and releasing wrote (the environment stays)
	rm -rf $(OUT) build
