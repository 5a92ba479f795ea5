# SPDX-License-Identifier: MIT
# Defines flipbook::video where pkg-config finds FFmpeg's libraries. Read by the build and, installed, by
# find_package.
if(TARGET flipbook::video)
  return()
endif()
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(FLIPBOOK_FFMPEG QUIET IMPORTED_TARGET GLOBAL
    libavformat>=59 libavcodec>=59 libavutil>=57 libswscale>=6)
  if(FLIPBOOK_FFMPEG_FOUND)
    add_library(flipbook::video INTERFACE IMPORTED GLOBAL)
    target_link_libraries(flipbook::video INTERFACE flipbook::flipbook PkgConfig::FLIPBOOK_FFMPEG)
    target_compile_definitions(flipbook::video INTERFACE FLIPBOOK_VIDEO=1)
  endif()
endif()
