# Thin targets: each sets Hydra overrides and runs one pipeline. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What only engine=spark, PostgreSQL and index=scann need, and the tests of them.
EXTRAS := $(VENV)/.extras

DATASET ?=
K ?= 10
SWEEP ?= tower_size
ARTIFACTS ?=
ROOT ?=
ARGS ?=

PLACE := $(if $(ARTIFACTS),'artifacts="$(ARTIFACTS)"')
# What is not given stays open, so that ARGS="experiment=..." may choose the data set.
OVERRIDES := $(if $(DATASET),dataset=$(DATASET)) $(PLACE) $(if $(ROOT),'dataset.root="$(ROOT)"')
FORM := $(if $(STUDY),'form.study="$(subst ','\'',$(STUDY))"') $(if $(SHOW),form.show=$(SHOW))
# USER is usually the login name, HOST that of the machine: they count only when given on the command line.
ASKED_USER := $(if $(filter command line,$(origin USER)),$(USER))
ASKED_HOST := $(if $(filter command line,$(origin HOST)),$(HOST))

.PHONY: help install extras features prune train infer search serve ui form answers simulate certify rollback demo sweep bench test lint clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  \1\t\2/' | expand -t 14
	@echo
	@echo '  Every target takes ARGS="key=value ..." for any override and ARTIFACTS=DIR for another place.'

install: $(STAMP) ## .venv from requirements.lock

extras: $(EXTRAS) ## Spark, PostgreSQL and ScaNN, from requirements-extras.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(EXTRAS): requirements-extras.lock $(STAMP)
	$(BIN)/pip install --quiet --requirement requirements-extras.lock
	touch $@

features: $(STAMP) ## raw files under ROOT, and feedback -> feature store (DATASET=sample)
	@$(BIN)/python -m feature_pipeline $(OVERRIDES) $(ARGS)

prune: $(STAMP) ## forget embeddings that no run has used for DAYS=30 days
	@$(BIN)/python -m feature_pipeline.prune $(PLACE) $(if $(DAYS),days=$(DAYS)) $(ARGS)

train: $(STAMP) ## feature store -> evaluated, published bundle (DATASET=sample)
	@$(BIN)/python -m training_pipeline $(OVERRIDES) $(ARGS)

infer: $(STAMP) ## recommendations for USER=ID K=10 (FORMAT=json, HTML=page.html; USER=all OUT=FILE.parquet)
	@$(BIN)/python -m inference $(OVERRIDES) k=$(K) $(if $(ASKED_USER),'user="$(subst ','\'',$(ASKED_USER))"') \
	  $(if $(FORMAT),format=$(FORMAT)) $(if $(HTML),'html="$(HTML)"') $(if $(OUT),'out="$(OUT)"') $(ARGS)

search: $(STAMP) ## items like TEXT='words', IMAGE=FILE, or both; or like ITEM=ID BY=both (text, image, tower)
	@$(BIN)/python -m inference.search $(OVERRIDES) k=$(K) $(if $(TEXT),'text="$(subst ','\'',$(TEXT))"') \
	  $(if $(IMAGE),'image="$(IMAGE)"') $(if $(ITEM),'item="$(ITEM)"') $(if $(BY),by=$(BY)) $(ARGS)

serve: $(STAMP) ## answers over HTTP (WORKERS=1 PORT=8000 HOST=127.0.0.1) until it is stopped
	@$(BIN)/python -m inference.service $(OVERRIDES) $(if $(WORKERS),serve.workers=$(WORKERS)) \
	  $(if $(PORT),serve.port=$(PORT)) $(if $(ASKED_HOST),'serve.host="$(ASKED_HOST)"') $(ARGS)

ui: $(STAMP) ## a page for people (PORT=8501), by the bundle or by the service at URL=http://127.0.0.1:8000
	@$(BIN)/python -m inference.ui $(OVERRIDES) $(if $(PORT),ui.port=$(PORT)) $(if $(URL),'ui.url="$(URL)"') \
	  $(if $(ASKED_HOST),'ui.host="$(ASKED_HOST)"') $(ARGS)

form: $(STAMP) ## a study's page: Like or Dislike, one after the other (STUDY=first SHOW=items or users, PORT=8502)
	@$(BIN)/python -m inference.form $(OVERRIDES) $(FORM) $(if $(PORT),form.port=$(PORT)) $(ARGS)

answers: $(STAMP) ## the answers of STUDY=first -> OUT=FILE.csv or .parquet: a matrix (FORMAT=long: a row for each)
	@$(BIN)/python -m inference.form.answers $(OVERRIDES) $(FORM) $(if $(OUT),'out="$(OUT)"') \
	  $(if $(FORMAT),format=$(FORMAT)) $(ARGS)

simulate: $(STAMP) ## invented users play against the service at URL=http://127.0.0.1:8000 (USERS=100 ROUNDS=5)
	@$(BIN)/python -m inference.simulate $(OVERRIDES) $(if $(URL),'simulate.url="$(URL)"') \
	  $(if $(USERS),simulate.users=$(USERS)) $(if $(ROUNDS),simulate.rounds=$(ROUNDS)) $(ARGS)

certify: $(STAMP) ## does the service at URL=http://127.0.0.1:8000 give what was evaluated? (no URL: does the bundle)
	@$(BIN)/python -m inference.certify $(OVERRIDES) $(if $(URL),'url="$(URL)"') $(ARGS)

rollback: $(STAMP) ## the bundle published before the current one is current again (BUNDLE=ID for another)
	@$(BIN)/python -m inference.rollback $(OVERRIDES) $(if $(BUNDLE),'bundle="$(BUNDLE)"') $(ARGS)

demo: $(STAMP) ## features, train and infer on the built-in sample
	@$(BIN)/python -m feature_pipeline dataset=sample $(PLACE) $(ARGS)
	@$(BIN)/python -m training_pipeline dataset=sample $(PLACE) $(ARGS)
	@$(BIN)/python -m inference dataset=sample $(PLACE) user=user-001 \
	  'html="$(or $(ARTIFACTS),artifacts)/demo.html"' $(ARGS)

sweep: $(STAMP) ## Hydra multirun over a frozen feature store (SWEEP=tower_size); goes on where it stopped
	@$(BIN)/python -m training_pipeline --multirun sweep=$(SWEEP) $(OVERRIDES) $(ARGS)

bench: $(STAMP) ## one of benchmarks/*.py (NAME=features, NAME=encoding ROOT=DIR); its last line is JSON
	@$(BIN)/python -m benchmarks.$(NAME) $(if $(ROOT),--root '$(ROOT)') $(ARGS)

test: $(STAMP) $(EXTRAS) ## lint, types, import rules and all tests
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(STAMP) $(EXTRAS) ## ruff, mypy, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean: ## remove .venv and caches; artifacts stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
