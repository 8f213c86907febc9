#ifndef ANYWAY_CYAJL_SHIM_H
#define ANYWAY_CYAJL_SHIM_H
#include <yajl/yajl_gen.h>

// `yajl_gen_config` is variadic, which Swift cannot call. From now on each piece of text goes to
// `print`, with `context`.
static inline int anyway_yajl_print(yajl_gen generator, yajl_print_t print, void *context) {
    return yajl_gen_config(generator, yajl_gen_print_callback, print, context);
}
#endif
