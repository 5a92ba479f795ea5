# SPDX-License-Identifier: MIT
# How the project's own tests, examples and benchmarks are compiled. None of it reaches users of the library.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# What every program of the project has in common.
add_library(flipbook_common INTERFACE)
target_link_libraries(flipbook_common INTERFACE flipbook::flipbook)
set(FLIPBOOK_WARNINGS
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion $<$<BOOL:${FLIPBOOK_WERROR}>:-Werror>>
  $<$<COMPILE_LANGUAGE:CUDA>:$<$<BOOL:${FLIPBOOK_WERROR}>:--Werror=all-warnings>>
  # GCC 12 sees overlapping copies in "text" + std::string (GCC PR 105651), which programs and tests may write. The
  # library's headers do without: users compile them with -Werror.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:$<$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>:-Wno-restrict>>)
target_compile_options(flipbook_common INTERFACE "${FLIPBOOK_WARNINGS}")
# GCC collects its garbage later: a tenth less time for a quarter more memory.
target_compile_options(flipbook_common INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=1000000>)
if(TARGET flipbook::video)
  target_link_libraries(flipbook_common INTERFACE flipbook::video)
endif()
if(FLIPBOOK_SANITIZE)
  target_compile_options(flipbook_common INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_compile_definitions(flipbook_common INTERFACE FLIPBOOK_POISON _GLIBCXX_ASSERTIONS)
  target_link_options(flipbook_common INTERFACE -fsanitize=address,undefined)
endif()

# Programs that compile their kernels.
add_library(flipbook_program INTERFACE)
target_link_libraries(flipbook_program INTERFACE flipbook_common)
if(FLIPBOOK_NATIVE)
  target_link_libraries(flipbook_program INTERFACE flipbook::native)
elseif(NOT CMAKE_CROSSCOMPILING)
  message(STATUS "flipbook: built for any ${CMAKE_SYSTEM_PROCESSOR}, not for this machine (FLIPBOOK_NATIVE is OFF): "
                 "where it has AVX-512, convolutions and matrix products run at about a third of their speed")
endif()
# Programs that take them from the library, where it is built.
add_library(flipbook_linked_program INTERFACE)
if(TARGET flipbook::kernels)
  target_link_libraries(flipbook_linked_program INTERFACE flipbook_common flipbook::kernels)
else()
  target_link_libraries(flipbook_linked_program INTERFACE flipbook_program)
endif()

# flipbook_sources(OUT GLOB...): the sources below this directory, in order, without those that include FFmpeg's
# part where there is no FFmpeg. A new file needs no edit: the build looks again by itself.
function(flipbook_sources out)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARGN})
  if(NOT TARGET flipbook::video)
    foreach(source IN LISTS sources)
      file(STRINGS ${source} uses_video REGEX "^#include <(libav|libsw|flipbook/io/video)")
      if(uses_video)
        list(REMOVE_ITEM sources ${source})
      endif()
    endforeach()
  endif()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# flipbook_add_program(NAME SOURCE LIBRARY...): an executable of one source.
function(flipbook_add_program name source)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN})
  flipbook_may_leave_plain(${name})
endfunction()

# Compiles what a target is made of fast and not to be fast, where programs are not to be optimised. At -O0 the AVX-512
# logarithm of xsimd 8 does not compile; kernels that are compiled already have none.
function(flipbook_may_leave_plain name)
  if(NOT FLIPBOOK_OPTIMISE_PROGRAMS)
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:$<IF:$<TARGET_EXISTS:flipbook::kernels>,-O0,-Og>>)
  endif()
endfunction()
