# SPDX-License-Identifier: MIT
# cmake -DCOMPILER=... -DCOMPILER_ID=... -DFLAGS=file -DSOURCE=case.cpp -P check.cmake
#
# Passes if the case does not compile, its diagnostics match the regular expression of every line
# `// EXPECT: regex` within their first five lines, and the same file compiles with -DCONTROL, where it writes what is
# right in place of what is wrong: so it fails for the stated reason and no other. `// EXPECT GNU: regex` and
# `// EXPECT Clang: regex` hold for that compiler alone; `// WITHIN: n` allows n lines. Lines are the compiler's: those
# that say from where a header was included and a template required count.
set(most_lines 5)
file(STRINGS ${SOURCE} within REGEX "^// WITHIN: [0-9]+")
if(within)
  string(REGEX REPLACE "^// WITHIN: ([0-9]+).*" "\\1" most_lines "${within}")
endif()
file(STRINGS ${SOURCE} expectations REGEX "^// EXPECT( ${COMPILER_ID})?: ")
if(NOT expectations)
  message(FATAL_ERROR "${SOURCE} has no line `// EXPECT: regex`")
endif()

execute_process(COMMAND ${COMPILER} @${FLAGS} -DCONTROL ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE diagnostics)
if(failed)
  message(FATAL_ERROR "with -DCONTROL it must compile, but does not:\n${diagnostics}")
endif()

execute_process(COMMAND ${COMPILER} @${FLAGS} ${SOURCE} RESULT_VARIABLE failed ERROR_VARIABLE diagnostics)
if(NOT failed)
  message(FATAL_ERROR "it compiles, and must not")
endif()
set(head "")
set(rest "${diagnostics}")
foreach(number RANGE 1 ${most_lines})
  if(rest STREQUAL "")
    break()
  endif()
  string(REGEX MATCH "^[^\n]*\n?" line "${rest}")
  string(LENGTH "${line}" length)
  string(SUBSTRING "${rest}" ${length} -1 rest)
  string(APPEND head "${line}")
endforeach()
foreach(expectation IN LISTS expectations)
  string(REGEX REPLACE "^// EXPECT[^:]*: " "" expectation "${expectation}")
  if(NOT head MATCHES "${expectation}")
    message(FATAL_ERROR "the first ${most_lines} lines of this do not match `${expectation}`:\n${diagnostics}")
  endif()
endforeach()
