// zlib. Macros that Swift cannot import are restated here as inline functions.
#ifndef ANYWAY_CZLIB_H
#define ANYWAY_CZLIB_H
#include <zlib.h>

// A compressor that writes the gzip format (RFC 1952): 15 bits of window, and 16 more mean gzip.
static inline int anyway_gzip_start(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

// Its counterpart.
static inline int anyway_gunzip_start(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

#endif
