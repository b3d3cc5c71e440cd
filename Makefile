# The commands a person needs. Everything else goes by CMake presets: see CONTRIBUTING.md.
.PHONY: help demo test golden replicas lint format setup clean

help:
	@echo 'make demo    ask three questions of a real document (installs what is missing, builds)'
	@echo 'make test    build everything and run all tests (installs what is missing)'
	@echo 'make golden  the golden rows over all of SQuAD dev (minutes; needs the shared folder beside the checkout)'
	@echo 'make replicas  two servers behind nginx, one killed under load (needs nginx)'
	@echo 'make lint    layer, size, text and format checks only'
	@echo 'make format  rewrite the sources with clang-format-19'
	@echo 'make setup   install the missing Debian packages and stop'
	@echo 'make clean   remove build/'

demo:
	@tools/demo.sh

test:
	@tools/test.sh

golden: test
	@SPANQA_GOLDEN_ALL=1 ctest --preset release -R '^golden\.'

setup:
	@tools/setup.sh

# What is proved of the server beside its tests (docs/server.md): each takes a built program.
replicas:
	@tools/serve/replicas.sh

lint:
	@tools/lint.sh

format:
	@tools/format.sh --apply

clean:
	rm -rf build
