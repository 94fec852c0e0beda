# make demo   twelve real training runs and the verdict on them
# make test   the tests that need nothing but Python
# make help   everything else
#
# Needs make and Python 3.11 or newer. The rest comes from the hash-pinned locks in requirements/ and stays in
# .venv (what runs smoke-gate) and .venv-dev (what checks and tests it); each is made anew when its lock changes.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
DOCKER ?= docker
DOCKER_BUILD_FLAGS ?=
IMAGE ?= smoke-gate:dev
LOCK_FLAGS ?=
PYTEST_FLAGS ?=
ISSUE_FORMS := $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
TORTURE_FLAGS ?=
WORKFLOWS := .github/workflows/*.yml docs/workflows/*.yml

BIN := .venv-dev/bin
NOT_BENCH := $(addprefix benchmarks/,checkpoints.py honest_files.py other_scanners.py scaling.py)
PEERS := great_expectations evidently deepchecks
# Where a process of the tests dies, the run ends: xdist would go on without the tests that it had. The files come in
# order of name: the slow ones, of containers and stores, before the many quick ones of units.
PYTEST = $(BIN)/pytest --numprocesses auto --max-worker-restart 0 --dist loadfile --no-loadscope-reorder \
	$(PYTEST_FLAGS)
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--fork-strategy fewest --custom-compile-command 'make lock' $(LOCK_FLAGS)
LOCKED = $(firstword $(shell cat requirements/build.txt requirements/$(1).txt | cksum))
RUNTIME_VENV := .venv/lock-$(call LOCKED,runtime)
DEV_VENV := .venv-dev/lock-$(call LOCKED,dev)

# byte code: a command starts in half the time
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Callbacks and recipes with the frameworks themselves, which are large and no part of the project.
REAL := tests/integration/test_lightning.py tests/integration/test_transformers.py tests/real_libraries

.PHONY: help demo test test-container test-browser test-backends test-integrations torture test-all coverage check rules types audit docs bench bench-parts bench-checkpoints image lock clean docker browser

help:
	@echo 'make demo            train the example matrix and judge it'
	@echo 'make test            unit, integration (a real MLflow server) and GitHub tests'
	@echo 'make test-container  tests of the image; need a Docker engine and docker-registry'
	@echo 'make test-browser    tests of the report page; need chromium'
	@echo 'make test-backends   the same evidence from every kind of real store and from old MLflow servers; needs Debian packages'
	@echo 'make test-integrations  callbacks and recipes with the real torch, Lightning, transformers and Hydra; installs a gigabyte'
	@echo 'make torture         some hundred faults of servers, GitHub and disks, kills, 50 gates at once; a quarter of an hour'
	@echo 'make test-all        all tests but those of test-integrations in one run, as CI does'
	@echo 'make coverage        the same, with the lines that no test reaches; takes half as long again'
	@echo 'make check           formatting, lint, types, dependency rule, locks, documents, workflows, image recipe'
	@echo 'make audit           known vulnerabilities of what is installed, and its list (SBOM) as dist/sbom.json'
	@echo 'make docs            the documents as a site, in site/; strict: a link that leads nowhere is an error'
	@echo 'make bench           the table of docs/performance.md: targets, and what is measured here'
	@echo 'make bench-parts     the other measurements that the documents quote'
	@echo 'make bench-checkpoints  the table of docs/checkpoints.md; installs some gigabytes of libraries and scanners'
	@echo 'make image           build the image $(IMAGE)'
	@echo 'make lock            bring the locks up to pyproject.toml; LOCK_FLAGS=--upgrade for the newest releases'
	@echo 'make clean           remove everything that make and its tools made here'

demo: .venv/installed
	.venv/bin/smoke-gate demo

test: .venv-dev/installed
	$(PYTEST) tests/unit tests/integration tests/github

test-container: .venv-dev/installed image
	$(PYTEST) tests/container

test-browser: .venv-dev/installed browser
	$(PYTEST) tests/browser

test-backends: .venv-backends/installed
	SMOKE_GATE_BACKENDS=all .venv-backends/clients/bin/python -m pytest $(PYTEST_FLAGS) tests/backends

test-integrations: .venv-integrations/installed
	REAL_LIBRARIES=1 .venv-integrations/bin/python -m pytest $(PYTEST_FLAGS) $(REAL)

torture: .venv-dev/installed
	@set -e; for kind in server github kills together disks texts facts load; do $(BIN)/python -m tests.torture $$kind $(TORTURE_FLAGS); done

test-all: .venv-dev/installed browser image
	$(PYTEST)

coverage: .venv-dev/installed browser image
	$(PYTEST) --cov --cov-report term --cov-fail-under 85

check: rules types

types: .venv-dev/installed
	$(BIN)/mypy . .github/release

rules: .venv-dev/installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/python -m checks.repository
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck .ci/run entrypoint.sh .github/release/registry.sh
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck $(WORKFLOWS)
	$(BIN)/zizmor --offline --quiet --pedantic . docs/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(ISSUE_FORMS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml

audit: .venv-audit/installed
	mkdir -p dist
	.venv-audit/bin/cyclonedx-py requirements requirements/runtime.txt --output-file dist/sbom.json
	.venv-audit/bin/pip-audit --disable-pip --require-hashes --requirement requirements/runtime.txt

.venv-audit/installed:
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet pip-audit cyclonedx-bom
	@touch $@

docs: .venv-docs/installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

.venv-docs/installed: requirements/docs.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --require-hashes --requirement $<
	@touch $@

bench: .venv-dev/installed $(PEERS:%=.venv-bench/%/installed)
	$(BIN)/python -m benchmarks.performance --write $(BENCH_FLAGS)

bench-parts: .venv-dev/installed
	@set -e; for benchmark in $(filter-out $(NOT_BENCH),$(wildcard benchmarks/*.py)); do echo "$$benchmark"; $(BIN)/python "$$benchmark"; done

# The libraries that write honest files, the scanners, and the peers that `bench` imports do not belong to the project: each
# set has an environment.
bench-checkpoints: .venv-dev/installed .venv-bench/libraries/installed .venv-bench/scanners/installed .venv-bench/modelaudit/installed
	rm -rf .venv-bench/honest
	.venv-bench/libraries/bin/python benchmarks/honest_files.py .venv-bench/honest
	$(BIN)/python -m benchmarks.checkpoints --honest .venv-bench/honest --write \
		--scanners .venv-bench/scanners/bin/python --scanners .venv-bench/modelaudit/bin/python

.venv-bench/%/installed: benchmarks/requirements/%.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	@touch $@

# Each server is the program that its makers give out, in a folder of its own.
.venv-backends/installed: $(wildcard tests/backends/requirements/*) requirements/dev.txt pyproject.toml
	rm -rf $(@D)
	for folder in clients mlflow-2.9 mlflow-2.22; do $(PYTHON) -m venv $(@D)/$$folder || exit 1; done
	$(@D)/clients/bin/python -m pip install --quiet --no-deps --require-hashes \
		--requirement requirements/build.txt --requirement requirements/dev.txt
	$(@D)/clients/bin/python -m pip install --quiet --requirement tests/backends/requirements/clients.txt
	$(@D)/clients/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	for version in 2.9 2.22; do $(@D)/mlflow-$$version/bin/python -m pip install --quiet \
		--requirement tests/backends/requirements/mlflow-$$version.txt || exit 1; done
	npm install --silent --no-audit --no-fund --prefix $(@D)/azurite $$(cat tests/backends/requirements/azurite.txt)
	@touch $@

.venv-integrations/installed: tests/real_libraries/requirements.txt pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $< --editable ".[check]"
	@touch $@

image: docker
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) --tag $(IMAGE) .

lock: .venv-dev/installed
	$(COMPILE) --group build --output-file requirements/build.txt
	$(COMPILE) --group docs --output-file requirements/docs.txt
	$(COMPILE) pyproject.toml --extra check --extra s3 --extra dask --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra check --extra s3 --extra dask --group dev --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt

clean:
	rm -rf .venv .venv-dev .venv-docs .venv-bench .venv-integrations .venv-backends .venv-audit build dist site outputs .coverage .coverage.* .hypothesis .import_linter_cache \
		.mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

docker:
	@$(DOCKER) info >/dev/null 2>&1 || { \
		echo 'No Docker engine answers "$(DOCKER) info". Start one (see DOCKER_HOST), or name another client: DOCKER=podman' >&2; exit 1; }

browser:
	@command -v chromium >/dev/null || { \
		echo 'The browser tests need chromium on the PATH: apt-get install chromium' >&2; exit 1; }

.venv/installed: $(RUNTIME_VENV) pyproject.toml
.venv-dev/installed: $(DEV_VENV) pyproject.toml
.venv/installed .venv-dev/installed:
	$(@D)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The locks are complete, so pip resolves nothing. All byte code of what runs is compiled at once because pip would use one
# core; of what tests, a third is ever imported, and Python compiles that then.
$(RUNTIME_VENV) $(DEV_VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'smoke-gate needs Python 3.11 or newer; found "$(PYTHON)". Name one: make PYTHON=/path/to/python3.12' >&2; exit 1; }
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --no-deps --no-compile --require-hashes \
		--requirement requirements/build.txt --requirement requirements/$(if $(filter .venv,$(@D)),runtime,dev).txt
	$(if $(filter .venv,$(@D)),$(@D)/bin/python -m compileall -q -j 0 $(@D)/lib)
	@touch $@
