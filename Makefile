# The commands a person needs. Everything else goes by CMake presets: see CONTRIBUTING.md.
.PHONY: help demo test lint format setup clean

help:
	@echo 'make demo    ask three questions of a real document (installs what is missing, builds)'
	@echo 'make test    build everything and run all tests (installs what is missing)'
	@echo 'make lint    layer, size, text and format checks only'
	@echo 'make format  rewrite the sources with clang-format-19'
	@echo 'make setup   install the missing Debian packages and stop'
	@echo 'make clean   remove build/'

demo:
	@tools/demo.sh

test:
	@tools/test.sh

setup:
	@tools/setup.sh

lint:
	@tools/lint.sh

format:
	@tools/format.sh --apply

clean:
	rm -rf build
