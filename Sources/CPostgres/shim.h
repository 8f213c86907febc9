// libpq, as the system ships it.
#include <libpq-fe.h>
