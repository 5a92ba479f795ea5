#pragma once

/// Marks a function that must exist once. Where GCC inlines or clones a function, it chooses anew, for each
/// copy, which of two products it fuses with their sum; the serial and the parallel call of one kernel would
/// then differ in the last bit.
#if defined(__GNUC__) && !defined(__clang__)
#define FLIPBOOK_ONE_COPY [[gnu::noipa]]
#else
#define FLIPBOOK_ONE_COPY [[gnu::noinline]]
#endif
