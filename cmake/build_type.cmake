# SPDX-License-Identifier: MIT
# Says so where a project that uses the library would compile it without optimisation, and has not asked for that. Read by
# the build and, installed, by find_package.
get_property(several_build_types GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT CMAKE_BUILD_TYPE AND NOT several_build_types AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
  message(WARNING "flipbook: CMAKE_BUILD_TYPE is empty, so nothing is optimised, and training takes a hundred times as "
                  "long: configure with -DCMAKE_BUILD_TYPE=Release")
endif()
