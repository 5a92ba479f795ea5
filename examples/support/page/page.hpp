// SPDX-License-Identifier: MIT
#pragma once

/// What a gallery's page looks like and how it moves. The two files are string literals, so that a program that shows a
/// gallery is compiled by hand as any other.
namespace flipbook::examples::page {

inline constexpr const char* style =
#include "gallery.css"
    ;
inline constexpr const char* script =
#include "gallery.js"
    ;

}  // namespace flipbook::examples::page
