#!/usr/bin/env python3
"""Tests of the checks beside this file: each must find what it is for, and keep quiet otherwise."""
import json
import pathlib
import tempfile
import unittest

import check_layers
import check_sizes
import check_tests
import check_text


class Tree(unittest.TestCase):
    """A temporary project folder, filled by write()."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name).resolve()

    def tearDown(self):
        self.folder.cleanup()

    def start_over(self):
        self.tearDown()
        self.setUp()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


class Layers(Tree):
    def faults_of(self, name, text):
        self.write(name, text)
        return check_layers.check(self.root)

    def test_lower_rooms_own_room_and_libraries_may_be_included(self):
        text = '#include <vector>\n#include "fmt/format.h"\n#include "base/result.h"\n#include "qa/answer.h"\n'
        self.assertEqual(self.faults_of("src/qa/reader.h", text + '#include "shared_data.h"\n'), [])

    def test_an_include_of_a_higher_room_is_found_with_its_line(self):
        faults = self.faults_of("src/text/tokenizer.cc", '#include <span>\n#include "qa/reader.h"\n')
        self.assertEqual(len(faults), 1)
        self.assertIn("src/text/tokenizer.cc:2:", faults[0])

    def test_rooms_of_one_level_must_not_know_each_other(self):
        for room, other in [("text", "nn"), ("nn", "data"), ("qa", "retrieval"), ("train", "answer")]:
            with self.subTest(room=room):
                self.start_over()
                self.assertEqual(len(self.faults_of(f"src/{room}/a.h", f'#  include "{other}/b.h"\n')), 1)

    def test_tests_and_subfolders_obey_too(self):
        self.assertEqual(len(self.faults_of("src/nn/kernels/gelu_test.cc", '#include "text/tokenizer.h"\n')), 1)

    def test_roundabout_ways_are_found(self):
        for line in ['#include "../base/result.h"', "#include <base/result.h>", "#include <spanqa/base/result.h>"]:
            with self.subTest(line=line):
                self.start_over()
                self.assertEqual(len(self.faults_of("src/qa/a.cc", line + "\n")), 1)

    def test_an_unknown_room_is_found(self):
        self.assertEqual(len(self.faults_of("src/misc/a.h", "")), 1)

    def test_every_room_of_the_table_has_one_level(self):
        rooms = [room for level in check_layers.LEVELS for room in level]
        self.assertEqual(len(rooms), len(set(rooms)))


class Tests(Tree):
    def check(self, compiled, run):
        """`compiled`: source to target; `run`: targets that a test starts."""
        for source in ["src/base/utf8_test.cc", "examples/01_ask.cc", "fuzz/json_fuzz.cc"]:
            self.write(source, "")
        commands = [{"directory": str(self.root), "file": source, "output": f"x/CMakeFiles/{target}.dir/a.cc.o"}
                    for source, target in compiled.items()]
        self.write("build/compile_commands.json", json.dumps(commands))
        self.write("build/x/CTestTestfile.cmake",
                   "".join(f'add_test([=[{t}]=] "/some/where/{t}" "--flag")\nset_tests_properties(a "b")\n' for t in run))
        return check_tests.check(self.root, self.root / "build")

    ALL = {"src/base/utf8_test.cc": "utf8_test", "examples/01_ask.cc": "example_01", "fuzz/json_fuzz.cc": "json_fuzz"}

    def test_all_compiled_and_run_is_no_fault(self):
        self.assertEqual(self.check(self.ALL, self.ALL.values()), [])

    def test_a_source_in_no_target_is_found(self):
        faults = self.check({k: v for k, v in self.ALL.items() if v != "utf8_test"}, self.ALL.values())
        self.assertEqual(faults, ["src/base/utf8_test.cc: no CMake target compiles it"])

    def test_a_program_that_no_test_starts_is_found(self):
        faults = self.check(self.ALL, ["utf8_test", "json_fuzz"])
        self.assertEqual(len(faults), 1)
        self.assertTrue(faults[0].startswith("examples/01_ask.cc: compiled into example_01"))


class Sizes(Tree):
    def test_a_long_file_is_found_unless_generated(self):
        self.write("src/base/long.h", "\n" * 401)
        self.write("src/base/table.h", "// spanqa: generated\n" + "\n" * 401)
        faults = check_sizes.file_faults(self.root, check_sizes.sources(self.root))
        self.assertEqual(len(faults), 1)
        self.assertIn("long.h: 401 lines", faults[0])

    def test_a_room_with_few_tests_is_found(self):
        self.write("src/base/a.cc", "\n" * 100)
        self.write("src/base/a_test.cc", "\n" * 39)
        self.assertEqual(len(check_sizes.test_share_faults(self.root, check_sizes.sources(self.root))), 1)
        self.write("src/base/a_test.cc", "\n" * 40)
        self.assertEqual(check_sizes.test_share_faults(self.root, check_sizes.sources(self.root)), [])

    def test_parameters_are_counted_at_the_top_level_only(self):
        cases = {"()": 0, "(void)": 0, "(int a)": 1, "(std::map<int, int> m, int (*f)(int, int))": 2,
                 "(int a, int b) const": 2, "": 0}
        for signature, n in cases.items():
            self.assertEqual(check_sizes.count_parameters(signature), n, signature)

    @unittest.skipUnless(check_sizes.has_universal_ctags(), "universal-ctags is not installed")
    def test_long_functions_and_parameter_lists_are_found(self):
        body = "  a();\n" * 119
        path = self.write("src/base/a.cc", f"void f() {{\n{body}}}\nint g(int a, int b, int c, int d, int e, int f,"
                                           " int g, int h, int i) {\n  return a;\n}\n")
        faults = check_sizes.function_faults(self.root, check_sizes.functions([path]))
        self.assertEqual(len(faults), 2)
        self.assertIn("f has 121 lines", faults[0])
        self.assertIn("g takes 9 parameters", faults[1])


class Text(Tree):
    def test_marks_paths_tabs_and_blanks_are_found(self):
        cases = {"// TO" + "DO later\n": 1, "x = \"/ho" + "me/me/x\";\n": 1, "\tx\n": 1, "x \n": 1, "x": 1, "x\n": 0,
                 "// a todo list\n": 0, "url/home/x\n": 0}
        for text, n in cases.items():
            self.assertEqual(len(check_text.line_faults("src/base/a.cc", text)), n, repr(text))

    def test_a_document_may_name_only_what_exists(self):
        self.write("docs/cli.md", "")
        known = {"targets": {"demo"}, "presets": {"release"}, "subcommands": {"ask"}}
        good = "```\nmake demo\ncmake --preset release\nspanqa ask --file x\n```\nmake sense, spanqa is [here](docs/cli.md)\n"
        self.assertEqual(check_text.document_faults(self.root, "README.md", good, known), [])
        bad = "```\nmake dmeo\ncmake --preset relaese\n$ spanqa aks x\n```\n[here](docs/clu.md) `tools/none.sh` `fuzz/NAME_fuzz.cc`\n"
        self.assertEqual(len(check_text.document_faults(self.root, "README.md", bad, known)), 5)

    def test_subcommands_are_read_from_the_help(self):
        program = self.write("spanqa", "#!/bin/sh\nprintf 'Usage: spanqa\\n\\nSubcommands:\\n  ask   asks\\n  data  "
                                       "looks\\n        at data\\n'\n")
        program.chmod(0o755)
        self.assertEqual(check_text.subcommands_of(program), {"ask", "data"})
        self.assertIsNone(check_text.subcommands_of(self.root / "none"))


if __name__ == "__main__":
    unittest.main()
