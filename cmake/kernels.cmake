# SPDX-License-Identifier: MIT
# flipbook::kernels: the kernels compiled once for each instruction set, of which a program takes the best that its machine
# has. A program that links it compiles none of them.
#
# A part is linked into one object of which only its table of kernels is visible: functions of the standard library and
# of the headers that were compiled for AVX-512 there must never take the place of the program's own.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(all_isas sse2 avx2 avx512 avx512_bf16)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(all_isas neon)
else()
  message(FATAL_ERROR "FLIPBOOK_KERNELS is ON, but flipbook::kernels knows no instruction sets of ${CMAKE_SYSTEM_PROCESSOR}")
endif()
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" OR APPLE OR WIN32)
  message(FATAL_ERROR "FLIPBOOK_KERNELS is ON, but needs GCC or Clang with the linker and objcopy of the GNU binutils")
endif()
set(FLIPBOOK_KERNELS_ISAS ${all_isas} CACHE STRING "Instruction sets that flipbook::kernels has")
set(flags_sse2 -march=x86-64)
set(flags_avx2 -march=x86-64-v3)
set(flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
set(flags_avx512_bf16 ${flags_avx512} -mavx512bf16 -DFLIPBOOK_BFLOAT16=1)
set(flags_neon)

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/*.cpp)
list(FILTER sources EXCLUDE REGEX "/(library|functions|templates)\\.cpp$")
set(parts)
set(objects)
foreach(isa IN LISTS FLIPBOOK_KERNELS_ISAS)
  if(NOT isa IN_LIST all_isas)
    message(FATAL_ERROR "FLIPBOOK_KERNELS_ISAS has ${isa}; on ${CMAKE_SYSTEM_PROCESSOR} there are ${all_isas}")
  endif()
  add_library(flipbook_kernels_${isa} OBJECT ${sources})
  target_link_libraries(flipbook_kernels_${isa} PRIVATE flipbook)
  # At -O3: at -O2 training steps take 1.00 to 1.05 of their time. Not for a debugger, and not for tests: at -O1 they
  # compile in 0.6 of the time. GCC then contracts products and sums, and so rounds, as it does at -O2, if it is told to.
  set(fast_to_compile -O1 $<$<CXX_COMPILER_ID:GNU>:-fexpensive-optimizations>)
  target_compile_options(flipbook_kernels_${isa} PRIVATE ${flags_${isa}}
    "$<$<NOT:$<CONFIG:Debug>>:$<IF:$<BOOL:${FLIPBOOK_OPTIMISE_PROGRAMS}>,-O3,${fast_to_compile}>>"
    $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_compile_definitions(flipbook_kernels_${isa} PRIVATE FLIPBOOK_KERNELS_PART=flipbook_kernels_${isa})
  set_target_properties(flipbook_kernels_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/flipbook_kernels_${isa}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o ${object} $<TARGET_OBJECTS:flipbook_kernels_${isa}>
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=flipbook_kernels_${isa} ${object}
    DEPENDS $<TARGET_OBJECTS:flipbook_kernels_${isa}> COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  list(APPEND objects ${object})
  string(APPEND parts "PART(${isa})")
endforeach()

# Functions that are no kernels, as a program that is compiled for no certain processor and with OpenMP calls them.
add_library(flipbook_functions OBJECT ${PROJECT_SOURCE_DIR}/src/kernels/functions.cpp
  ${PROJECT_SOURCE_DIR}/src/kernels/templates.cpp)
target_link_libraries(flipbook_functions PRIVATE flipbook)
target_compile_definitions(flipbook_functions PRIVATE FLIPBOOK_KERNELS=1)
if(sse2 IN_LIST all_isas)
  target_compile_options(flipbook_functions PRIVATE ${flags_sse2})
endif()
set_target_properties(flipbook_functions PROPERTIES POSITION_INDEPENDENT_CODE ON)

add_library(flipbook_kernels ${PROJECT_SOURCE_DIR}/src/kernels/library.cpp ${objects})
if(OpenMP_CXX_FOUND)  # without it, programs compile them
  target_sources(flipbook_kernels PRIVATE $<TARGET_OBJECTS:flipbook_functions>)
endif()
add_library(flipbook::kernels ALIAS flipbook_kernels)
set_target_properties(flipbook_kernels PROPERTIES EXPORT_NAME kernels POSITION_INDEPENDENT_CODE ON
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION})
target_link_libraries(flipbook_kernels PUBLIC flipbook)
target_compile_definitions(flipbook_kernels PRIVATE "FLIPBOOK_PARTS=${parts}" INTERFACE FLIPBOOK_KERNELS=1)
