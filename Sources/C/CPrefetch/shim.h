#ifndef LIFANG_PREFETCH_H
#define LIFANG_PREFETCH_H

/// Asks the processor to fetch a line of memory, without waiting for it: Swift has no word for this.
static inline void lifang_prefetch(const void *place) { __builtin_prefetch(place); }

#endif
