# cmake -DCOMPILER=... -DCOMPILER_ID=... -DFLAGS=file -DSOURCE=case.cpp -P check.cmake
#
# Passes if the case does not compile, its diagnostics match the regular expression of every line
# `// EXPECT: regex`, and the same file compiles with -DCONTROL, where it writes what is right in place of
# what is wrong: so it fails for the stated reason and no other. `// EXPECT GNU: regex` and
# `// EXPECT Clang: regex` hold for that compiler alone.
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
foreach(expectation IN LISTS expectations)
  string(REGEX REPLACE "^// EXPECT[^:]*: " "" expectation "${expectation}")
  if(NOT diagnostics MATCHES "${expectation}")
    message(FATAL_ERROR "the diagnostics do not match `${expectation}`:\n${diagnostics}")
  endif()
endforeach()
