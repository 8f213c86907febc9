#ifndef ANYWAY_CYAJL_SHIM_H
#define ANYWAY_CYAJL_SHIM_H
#include <yajl/yajl_gen.h>
#endif
