# SPDX-License-Identifier: MIT
set(FLIPBOOK_TEST_BATCH 1 CACHE STRING "Test files compiled as one: more are faster from scratch, and slower to edit")
mark_as_advanced(FLIPBOOK_TEST_BATCH)
find_package(Python3 COMPONENTS Interpreter)

# flipbook_as_cpp(OUT SOURCE): a file of C++ that includes the source, for a .cu that the host's compiler is to take.
function(flipbook_as_cpp out source)
  set(unit ${source})
  if(source MATCHES "\\.cu$")
    cmake_path(GET source STEM name)
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${source}\"\n")
  endif()
  set(${out} ${unit} PARENT_SCOPE)
endfunction()

# flipbook_test_sources(TARGET FILE...): adds the files to the program, FLIPBOOK_TEST_BATCH of them as one translation
# unit. What they instantiate in common, which is most of what there is to compile, is then compiled once. A file that
# says something of another namespace, or of the whole program, remains by itself.
function(flipbook_test_sources target)
  set(batched)
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} of_the_program LIMIT_COUNT 1
      REGEX "^(namespace [a-z]+ {|extern |void\\* operator|#ifdef _OPENMP)")
    if(FLIPBOOK_TEST_BATCH GREATER 1 AND Python3_FOUND AND NOT of_the_program)
      list(APPEND batched ${source})
    else()
      flipbook_as_cpp(unit ${source})
      target_sources(${target} PRIVATE ${unit})
    endif()
  endforeach()
  set(script ${PROJECT_SOURCE_DIR}/tests/batch.py)
  list(LENGTH batched count)
  set(first 0)
  while(first LESS count)
    list(SUBLIST batched ${first} ${FLIPBOOK_TEST_BATCH} files)
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/batches/${target}_${first}.cpp)
    add_custom_command(OUTPUT ${unit} COMMAND ${Python3_EXECUTABLE} ${script} ${unit} ${files}
      DEPENDS ${script} ${files} WORKING_DIRECTORY ${PROJECT_BINARY_DIR} COMMENT "" VERBATIM)
    target_sources(${target} PRIVATE ${unit})
    math(EXPR first "${first} + ${FLIPBOOK_TEST_BATCH}")
  endwhile()
endfunction()
