// libpq, as the system ships it.
#ifndef ANYWAY_CPOSTGRES_H
#define ANYWAY_CPOSTGRES_H

#include <libpq-fe.h>

// Ends one caller's statements. From PostgreSQL 17 on the message can wait in the buffer for the
// flush that follows; before, libpq writes to the socket at every synchronization point.
static inline int anyway_pipeline_sync(PGconn *connection) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
    return PQsendPipelineSync(connection);
#else
    return PQpipelineSync(connection);
#endif
}

// The diagnostic fields of a failed result; their libpq names are character macros.
static inline const char *anyway_sqlstate(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}
static inline const char *anyway_message(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}
static inline const char *anyway_constraint(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
}
static inline const char *anyway_table(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_TABLE_NAME);
}
static inline const char *anyway_column(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
}
static inline const char *anyway_severity(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
}

#endif
