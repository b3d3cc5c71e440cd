# cmake -DBUILD=.. -DSOURCE=.. -DCOMPILER=.. -DGENERATOR=.. -DBUILD_TYPE=.. -P TestPackage.cmake
#
# Installs the built tree into BUILD/package/prefix, then configures, builds and runs examples/outside, which finds
# spanqa there and nowhere else.
set(folder "${BUILD}/package")
set(prefix "${folder}/prefix")
file(REMOVE_RECURSE "${folder}")

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}): ${ARGN}\n${output}")
  endif()
  message(STATUS "${what}: done")
  set(output "${output}" PARENT_SCOPE)
endfunction()

run("install" ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")
run("configure outside" ${CMAKE_COMMAND} -S "${SOURCE}/examples/outside" -B "${folder}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_PREFIX_PATH=${prefix}")
run("build outside" ${CMAKE_COMMAND} --build "${folder}/build")
run("run outside" "${folder}/build/outside" "${SOURCE}")
message(STATUS "outside says: ${output}")

# Nothing installed may point back into the tree it came from.
file(GLOB_RECURSE lists "${prefix}/*.cmake")
foreach(list IN LISTS lists)
  file(STRINGS "${list}" lines)
  foreach(line IN LISTS lines)
    string(FIND "${line}" "${SOURCE}/" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${list} names the source tree: ${line}")
    endif()
  endforeach()
endforeach()

if(EXISTS "${BUILD}/src/cli/spanqa")
  run("installed program" "${prefix}/bin/spanqa" --version)
  if(NOT EXISTS "${prefix}/share/bash-completion/completions/spanqa")
    message(FATAL_ERROR "the program is installed without its completion")
  endif()
endif()
file(REMOVE_RECURSE "${folder}")
