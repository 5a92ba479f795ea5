# SPDX-License-Identifier: MIT
# Whether the build finds cuDNN where only Python's packages have it, in a folder WHERE made for it, and says what it
# took.
#   cmake -D WHERE=DIR -P cudnn.cmake
set(package ${WHERE}/site-packages/nvidia/cudnn)
file(REMOVE_RECURSE ${WHERE})

# expect(PATTERN): what the search says, with no place to look in but Python's.
function(expect pattern)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${WHERE}/site-packages ${CMAKE_COMMAND}
      -D CMAKE_FIND_LIBRARY_PREFIXES=lib -D CMAKE_FIND_LIBRARY_SUFFIXES=.so -D CMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF
      -D CMAKE_FIND_USE_CMAKE_ENVIRONMENT_PATH=OFF -D CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF ${ARGN}
      -P ${CMAKE_CURRENT_LIST_DIR}/../../cmake/cudnn.cmake
    OUTPUT_VARIABLE said ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(NOT said MATCHES "${pattern}")
    message(SEND_ERROR "expected '${pattern}', but the search said: ${said}")
  endif()
endfunction()

expect("Warning.*no cuDNN.*own kernels alone")
file(WRITE ${package}/include/cudnn.h "")
expect("no cuDNN")
file(WRITE ${package}/lib/libcudnn.so.9 "")
expect("by cuDNN: ${package}/lib/libcudnn.so.9, ${package}/include/cudnn.h")
# One beside the toolkit comes first, also where it has but its versioned name; half of one does not count.
file(WRITE ${WHERE}/toolkit/include/cudnn.h "")
set(toolkit -D CUDAToolkit_INCLUDE_DIRS=${WHERE}/toolkit/include -D CUDAToolkit_LIBRARY_DIR=${WHERE}/toolkit/lib)
expect("by cuDNN: ${package}/lib/libcudnn.so.9, ${package}/include/cudnn.h" ${toolkit})
file(WRITE ${WHERE}/toolkit/lib/libcudnn.so.9 "")
expect("by cuDNN: ${WHERE}/toolkit/lib/libcudnn.so.9, ${WHERE}/toolkit/include/cudnn.h" ${toolkit})
