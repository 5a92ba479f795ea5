# SPDX-License-Identifier: MIT
# Defines flipbook::nccl where there are flipbook::cuda, flipbook::mpi and NCCL: a program that links it trains on the
# devices of all ranks. Read by the build and, installed, by find_package.
if(TARGET flipbook::nccl OR NOT TARGET flipbook::cuda OR NOT TARGET flipbook::mpi)
  return()
endif()
find_path(FLIPBOOK_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(FLIPBOOK_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${CUDAToolkit_LIBRARY_DIR}
             ${CUDAToolkit_LIBRARY_ROOT}/lib)
mark_as_advanced(FLIPBOOK_NCCL_INCLUDE FLIPBOOK_NCCL_LIBRARY)
if(FLIPBOOK_NCCL_INCLUDE AND FLIPBOOK_NCCL_LIBRARY)
  set(FLIPBOOK_NCCL_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../src/mpi/nccl.cpp)
  if(NOT EXISTS ${FLIPBOOK_NCCL_SOURCE})  # installed: beside this file
    set(FLIPBOOK_NCCL_SOURCE ${CMAKE_CURRENT_LIST_DIR}/nccl.cpp)
  endif()
  add_library(flipbook::nccl INTERFACE IMPORTED GLOBAL)
  target_link_libraries(flipbook::nccl INTERFACE flipbook::cuda MPI::MPI_CXX ${FLIPBOOK_NCCL_LIBRARY})
  target_include_directories(flipbook::nccl INTERFACE ${FLIPBOOK_NCCL_INCLUDE})
  target_sources(flipbook::nccl INTERFACE ${FLIPBOOK_NCCL_SOURCE})
else()
  message(STATUS "flipbook: no NCCL: the gradients of several devices go by way of the host")
endif()
