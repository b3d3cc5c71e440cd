# The commands a person needs. Everything else goes by CMake presets: see CONTRIBUTING.md.
.PHONY: help demo test golden lint format setup clean
.PHONY: schemathesis clients cold-start memory throughput overload slow-clients soak lone replicas packaging

help:
	@echo 'make demo    ask three questions of a real document (installs what is missing, builds)'
	@echo 'make test    build everything and run all tests (installs what is missing)'
	@echo 'make golden  the golden rows over all of SQuAD dev (minutes; needs the shared folder beside the checkout)'
	@echo 'make lint    layer, size, text and format checks only'
	@echo 'make format  rewrite the sources with clang-format-19'
	@echo 'make setup   install the missing Debian packages and stop'
	@echo 'make clean   remove build/'
	@echo 'make schemathesis, clients, cold-start, memory, throughput, overload, slow-clients, soak, lone, replicas'
	@echo '             the server proved and measured (docs/server.md; needs a release build)'
	@echo 'make packaging  the manifest, the dashboard, the container and the Debian package, each tried (root; release build)'

demo:
	@tools/demo.sh

test:
	@tools/test.sh

golden: test
	@SPANQA_GOLDEN_ALL=1 ctest --preset release -R '^golden\.'

setup:
	@tools/setup.sh

# Two servers behind nginx, one killed under load; packaging/ on machines made for it.
replicas packaging:
	@tools/serve/$@.sh

lint:
	@tools/lint.sh

format:
	@tools/format.sh --apply

# The bars of docs/server.md, one program each; ARGS goes to it: make soak ARGS='--seconds 30'.
schemathesis clients cold-start memory throughput overload slow-clients soak lone:
	@tools/serve/$(subst -,_,$@).py $(ARGS)

clean:
	rm -rf build
