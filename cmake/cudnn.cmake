# SPDX-License-Identifier: MIT
# Looks for cuDNN 9: FLIPBOOK_CUDNN_INCLUDE and FLIPBOOK_CUDNN_LIBRARY, both from one place. First beside the toolkit
# and where CMake looks for everything, then in Python's package nvidia-cudnn, whose library has its versioned name
# alone.
find_path(FLIPBOOK_CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(FLIPBOOK_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${CUDAToolkit_LIBRARY_DIR})
if(NOT FLIPBOOK_CUDNN_INCLUDE OR NOT FLIPBOOK_CUDNN_LIBRARY)
  execute_process(COMMAND python3 -c "import sys; print(';'.join(path for path in sys.path if path))"
    OUTPUT_VARIABLE python_paths OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE no_python)
  foreach(path IN LISTS python_paths)
    set(package ${path}/nvidia/cudnn)
    file(GLOB libraries ${package}/lib/libcudnn.so ${package}/lib/libcudnn.so.9)
    if(libraries AND EXISTS ${package}/include/cudnn.h)
      list(GET libraries 0 library)
      set(FLIPBOOK_CUDNN_INCLUDE ${package}/include CACHE PATH "Where cudnn.h is" FORCE)
      set(FLIPBOOK_CUDNN_LIBRARY ${library} CACHE FILEPATH "The library cuDNN" FORCE)
      break()
    endif()
  endforeach()
endif()
mark_as_advanced(FLIPBOOK_CUDNN_INCLUDE FLIPBOOK_CUDNN_LIBRARY)
if(FLIPBOOK_CUDNN_INCLUDE AND FLIPBOOK_CUDNN_LIBRARY)
  message(STATUS "flipbook: convolutions by cuDNN: ${FLIPBOOK_CUDNN_LIBRARY}, ${FLIPBOOK_CUDNN_INCLUDE}/cudnn.h")
else()
  message(WARNING "flipbook: no cuDNN, neither beside the CUDA Toolkit nor in Python's packages: convolutions go by "
                  "flipbook's own kernels alone. Install nvidia-cudnn-cu13 by pip, or set FLIPBOOK_CUDNN_INCLUDE and "
                  "FLIPBOOK_CUDNN_LIBRARY")
endif()
