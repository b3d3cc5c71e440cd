# Flags travel with an interface target, never with CMAKE_CXX_FLAGS: a user's own flags stay the user's.
if(NOT CMAKE_BUILD_TYPE AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
add_library(spanqa_flags INTERFACE)
target_compile_features(spanqa_flags INTERFACE cxx_std_20)
target_compile_options(spanqa_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                                              -Wold-style-cast -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort calls a function that it declares deprecated; g++ keeps quiet about it, clang not.
  target_compile_options(spanqa_flags INTERFACE -Wno-deprecated-declarations)
endif()
# GCC 12 sees overlaps and frees in inlined std::string and std::vector code that are not there (its bug 105651 and kin).
target_compile_options(spanqa_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-free-nonheap-object>)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(spanqa_flags INTERFACE -Werror)
endif()
if(SPANQA_SANITIZE)
  target_compile_options(spanqa_flags INTERFACE -fsanitize=${SPANQA_SANITIZE} -fno-sanitize-recover=all -g1 -O1)
  target_link_options(spanqa_flags INTERFACE -fsanitize=${SPANQA_SANITIZE})
  # GCC says of its own manual that sanitizers bring false warnings of this kind.
  target_compile_options(spanqa_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(SPANQA_SANITIZE STREQUAL "thread")
    # Asio has fences, which ThreadSanitizer does not see; a mutex of Asio's orders the same accesses, and that it sees.
    target_compile_options(spanqa_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

# For code that runs once (the command line, descriptions): optimising it fully costs a fifth of the build and saves nothing.
add_library(spanqa_runs_once INTERFACE)
target_compile_options(spanqa_runs_once INTERFACE $<$<CONFIG:Release>:-O1>)

# For tests: what they test is optimised, they themselves run for milliseconds and take half of the build.
add_library(spanqa_test_flags INTERFACE)
target_compile_options(spanqa_test_flags INTERFACE -O0)
