# SPDX-License-Identifier: MIT
# Defines flipbook::cuda where a project has enabled the CUDA language: for sources that nvcc compiles and that use the
# backend Cuda. Read by the build and, installed, by find_package.
if(TARGET flipbook::cuda OR NOT CMAKE_CUDA_COMPILER)
  return()
endif()
find_package(CUDAToolkit QUIET)
if(NOT TARGET CUDA::cublasLt)
  message(STATUS "flipbook: nvcc, but no cuBLASLt: no CUDA")
  return()
endif()
add_library(flipbook::cuda INTERFACE IMPORTED GLOBAL)
target_link_libraries(flipbook::cuda INTERFACE flipbook::flipbook CUDA::cudart CUDA::cublasLt)
# C++20 by its flag, since CMake 3.25 does not know what nvcc 13 can do. Functions written once are constexpr, which is
# what lets devices call them. Suppressed: remarks on the pragmas of Clang and GCC, and on annotations in Eigen.
set(flipbook_nvcc_options -std=c++20 --expt-relaxed-constexpr --extended-lambda -diag-suppress=1675,20012)
target_compile_options(flipbook::cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${flipbook_nvcc_options}>")
if(TARGET OpenMP::OpenMP_CXX)
  target_compile_options(flipbook::cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fopenmp>)
endif()

# Convolutions by cuDNN where it is found; flipbook's own kernels need nothing.
include(${CMAKE_CURRENT_LIST_DIR}/cudnn.cmake)
if(FLIPBOOK_CUDNN_INCLUDE AND FLIPBOOK_CUDNN_LIBRARY)
  target_include_directories(flipbook::cuda INTERFACE ${FLIPBOOK_CUDNN_INCLUDE})
  target_link_libraries(flipbook::cuda INTERFACE ${FLIPBOOK_CUDNN_LIBRARY})
  target_compile_definitions(flipbook::cuda INTERFACE FLIPBOOK_CUDNN=1)
endif()
