# SPDX-License-Identifier: MIT
# Defines flipbook::mpi where CMake finds MPI: a program that links it trains on all ranks that `mpirun` starts. Read by
# the build and, installed, by find_package.
if(TARGET flipbook::mpi)
  return()
endif()
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND)
  set(FLIPBOOK_MPI_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../src/mpi/mpi.cpp)
  if(NOT EXISTS ${FLIPBOOK_MPI_SOURCE})  # installed: beside this file
    set(FLIPBOOK_MPI_SOURCE ${CMAKE_CURRENT_LIST_DIR}/mpi.cpp)
  endif()
  add_library(flipbook::mpi INTERFACE IMPORTED GLOBAL)
  target_link_libraries(flipbook::mpi INTERFACE flipbook::flipbook MPI::MPI_CXX)
  target_sources(flipbook::mpi INTERFACE ${FLIPBOOK_MPI_SOURCE})
endif()
