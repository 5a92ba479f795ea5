# SPDX-License-Identifier: MIT
# What `cmake --install` puts where find_package(flipbook) and pkg-config find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/flipbook)

configure_package_config_file(cmake/flipbookConfig.cmake.in ${PROJECT_BINARY_DIR}/flipbookConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
set(any_architecture ARCH_INDEPENDENT)
set(targets flipbook flipbook_native flipbook_bfloat16)
if(TARGET flipbook_kernels)
  set(any_architecture)
  list(APPEND targets flipbook_kernels)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/flipbookConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ${any_architecture})

install(TARGETS ${targets} EXPORT flipbook)
install(EXPORT flipbook NAMESPACE flipbook:: FILE flipbookTargets.cmake DESTINATION ${package_dir})
install(DIRECTORY include/flipbook DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp"
  PATTERN "*.ipp")
install(FILES ${PROJECT_BINARY_DIR}/flipbookConfig.cmake ${PROJECT_BINARY_DIR}/flipbookConfigVersion.cmake
              cmake/build_type.cmake cmake/video.cmake cmake/mpi.cmake src/mpi/mpi.cpp cmake/cuda.cmake cmake/cudnn.cmake
              cmake/nccl.cmake src/mpi/nccl.cpp DESTINATION ${package_dir})

# For builds without CMake. Paths start from the file's own place, so that a prefix can move.
file(RELATIVE_PATH FLIPBOOK_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
set(FLIPBOOK_PC_OPENMP "")
if(OpenMP_CXX_FOUND)
  set(FLIPBOOK_PC_OPENMP -fopenmp)  # GCC and Clang both know it, whichever of them configured this
endif()
configure_file(cmake/flipbook.pc.in ${PROJECT_BINARY_DIR}/flipbook.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/flipbook.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
