# Each target sets up what it needs; `make demo` and `make test` do all of it on a bare machine.
PYTHON_RUN = .venv/bin/python

.PHONY: help demo demo-down picture test test-more test-long soak shop faults replacements fuzz docs site corpus check fmt bench bench-hitless bench-overhead bench-speed \
	bench-engines bench-memory bench-times bench-remote bench-replacement bench-https bench-many bench-delivery python engine servers

help:
	@echo "make demo       deploy the example under load on this machine, and count what was lost"
	@echo "make demo-down  remove everything that the demo made"
	@echo "make picture    draw the picture of the README from a deployment under load"
	@echo "make test       the tests, those on a real Docker engine included"
	@echo "make test-more  those that take long, need other servers, or want the engine for themselves"
	@echo "make test-long  those that take minutes each, which CI leaves out"
	@echo "make soak       200 deployments under load, with kills and restarts at random"
	@echo "make shop       20 deployments of examples/shop, under load with writes"
	@echo "make faults     a fault at every point of a deployment; writes docs/faults.md"
	@echo "make replacements  20 of the gateway's Traefik under every kind of request, 20 restarts of the engine"
	@echo "make fuzz       the properties with fifty times as many examples"
	@echo "make corpus     hitless init, plan and deploy on the Compose files of a folder; writes docs/corpus.md"
	@echo "make docs       draw the pages of docs/reference from the code, and build the site"
	@echo "make site       build the site of docs/ strictly, in site/; read it from there without a server"
	@echo "make check      formatting, lint, types, layers"
	@echo "make fmt        format the code"
	@echo "make bench      compare with what people use instead, 25 minutes; writes docs/benchmarks (BENCH_ROUNDS=1: 8)"
	@echo "make bench-hitless  100 deployments under every kind of request, 31 minutes (BENCH_DEPLOYMENTS=10: 5)"
	@echo "make bench-overhead measure hitless's own time on this machine"
	@echo "make bench-speed    what the gateway costs, beside nginx and HAProxy"
	@echo "make bench-engines  how Traefik's two engines treat unusual HTTP"
	@echo "make bench-times    start of a command, many services, many applications, the way back, the floor: each with its goal"
	@echo "make bench-remote   deployments over SSH beside those on the host, at 0 and 50 ms; needs root (BENCH_ROUNDS=5)"
	@echo "make bench-many     200 applications on one host, each deployed twice"
	@echo "make bench-https       deployments and replacements over HTTPS, HTTP/3 and WebSockets, with 600 TLS hosts (HOSTS=100 DEPLOYMENTS=5)"
	@echo "make bench-replacement the gateway's Traefik replaced with 200 applications: time and memory"
	@echo "make bench-delivery measure how long a delivery takes to be in force, with the gateway's certificate and without"
	@echo "make bench-memory   memory and what is left after many deployments"

# Compiled here: where PYTHONDONTWRITEBYTECODE is set, each of the tests' thousand commands would compile all of it.
python:
	@dev/python
	@$(PYTHON_RUN) -m compileall -q src bench

engine:
	@dev/engine
	@dev/images

# Also what examples/shop needs.
servers: engine
	@dev/images postgres redis

demo: python engine
	@$(PYTHON_RUN) -m bench.demo

demo-down: python
	@$(PYTHON_RUN) -m bench.demo down

picture: python engine
	@$(PYTHON_RUN) -m bench.picture

test: python engine
	@$(PYTHON_RUN) -m pytest -n 2 --dist loadfile --durations=15 -m "not more"

test-more: python servers
	@dev/servers
	@$(PYTHON_RUN) -m pytest tests/e2e --durations=25 -m "more and not long"

test-long: python servers
	@dev/servers
	@$(PYTHON_RUN) -m pytest tests/e2e -m long
	@HITLESS_SWITCHES=10 $(PYTHON_RUN) -m pytest tests/e2e/test_udp_labels.py tests/e2e/test_tcp_labels.py -s

soak: python engine
	@HITLESS_SOAK=200 $(PYTHON_RUN) -m pytest tests/e2e/test_soak.py -s

fuzz: python
	@HITLESS_EXAMPLES=50 $(PYTHON_RUN) -m pytest tests/domain tests/adapters/docker/test_compose_yaml.py tests/adapters/gateway/test_routing_file.py \
	    tests/adapters/gateway/test_traefik_document.py tests/execution/test_storm.py

shop: python servers
	@HITLESS_SHOP=20 $(PYTHON_RUN) -m pytest tests/e2e/test_whole_shop.py -s

faults: python engine
	@HITLESS_WRITE_FAULTS=1 $(PYTHON_RUN) -m pytest tests/e2e/test_faults.py tests/e2e/test_changeover_faults.py

replacements: python engine
	@dev/images traefik:v3.7.13
	@HITLESS_REPLACEMENTS=20 HITLESS_OTHER_IMAGE=traefik:v3.7.13 $(PYTHON_RUN) -m pytest tests/e2e/test_gateway_upgrade.py -s
	@HITLESS_RESTARTS=20 $(PYTHON_RUN) -m pytest tests/e2e/test_engine_goes_away.py -k comes_back_by_itself

# What the pages say about values in the code.
docs: python
	@$(PYTHON_RUN) -m tests.reference.phases
	@$(PYTHON_RUN) -m tests.reference.schemas
	@$(PYTHON_RUN) -m tests.reference.events
	@$(PYTHON_RUN) -m tests.reference.compose
	@$(PYTHON_RUN) -m tests.reference.commands
	@$(PYTHON_RUN) -m tests.reference.links
	@$(MAKE) --no-print-directory site

# without --quiet, which keeps warnings from --strict
site: python
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

# HITLESS_CORPUS is a folder of Compose files as people wrote them.
corpus: python engine
	@dev/servers
	@$(PYTHON_RUN) -m tests.corpus.plans
	@$(PYTHON_RUN) -m tests.corpus.deployed

check: python
	@$(PYTHON_RUN) -m ruff format --check .
	@$(PYTHON_RUN) -m ruff check .
	@$(PYTHON_RUN) -m mypy
	@.venv/bin/lint-imports

fmt: python
	@$(PYTHON_RUN) -m ruff format .
	@$(PYTHON_RUN) -m ruff check --fix .

bench: python engine
	@$(PYTHON_RUN) -m bench.comparison $(BENCH_OPTIONS)

bench-hitless: python engine
	@$(PYTHON_RUN) -m bench.endurance

bench-overhead: python engine
	@$(PYTHON_RUN) -m bench.overhead

bench-speed: python engine
	@dev/servers
	@$(PYTHON_RUN) -m bench.speed

bench-engines: python engine
	@dev/servers
	@$(PYTHON_RUN) -m bench.engines

bench-remote: python engine
	@dev/servers
	@$(PYTHON_RUN) -m bench.remote

bench-times: python engine
	@$(PYTHON_RUN) -m bench.times

bench-delivery: python engine
	@$(PYTHON_RUN) -m bench.delivery

bench-memory: python engine
	@$(PYTHON_RUN) -m bench.memory $(DEPLOYMENTS)

bench-replacement: python engine
	@$(PYTHON_RUN) -m bench.replacement $(APPLICATIONS)

bench-https: python engine
	@$(PYTHON_RUN) -m bench.https $(HOSTS) $(DEPLOYMENTS)

bench-many: python engine
	@$(PYTHON_RUN) -m bench.many $(APPLICATIONS)
