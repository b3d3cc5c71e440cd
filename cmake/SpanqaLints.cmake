# Checks of the sources and of the installed package, as tests. A check whose tool is not installed is skipped (77).
function(spanqa_lint name)
  add_test(NAME lint.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(lint.${name} PROPERTIES LABELS lint TIMEOUT 120 SKIP_RETURN_CODE 77
                                               ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()

set(python tools/python.sh)
spanqa_lint(layers ${python} tools/check_layers.py)
spanqa_lint(tests ${python} tools/check_tests.py "${PROJECT_BINARY_DIR}")
spanqa_lint(sizes ${python} tools/check_sizes.py)
spanqa_lint(text ${python} tools/check_text.py --program "${PROJECT_BINARY_DIR}/src/cli/spanqa")
spanqa_lint(checks ${python} tools/lint_test.py)
spanqa_lint(format tools/format.sh)

# Installs into the build tree and builds examples/outside against what is there, as a stranger would.
add_test(NAME package.outside
         COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DSOURCE=${PROJECT_SOURCE_DIR}
                 -DCOMPILER=${CMAKE_CXX_COMPILER} -DGENERATOR=${CMAKE_GENERATOR} -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
                 -P ${PROJECT_SOURCE_DIR}/cmake/TestPackage.cmake)
set_tests_properties(package.outside PROPERTIES LABELS package TIMEOUT 300)
