// OpenSSL 3. Macros that Swift cannot import are restated here as inline functions.
#ifndef ANYWAY_COPENSSL_H
#define ANYWAY_COPENSSL_H
#include <limits.h>
#include <string.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

// --- Errors ---

// Takes the oldest entry of this thread's error queue as text; returns 0 when the queue is empty.
static inline unsigned long anyway_take_error(char *text, size_t capacity) {
    unsigned long code = ERR_get_error();
    if (code != 0) {
        const char *reason = ERR_reason_error_string(code);
        if (reason != NULL) {
            strncpy(text, reason, capacity - 1);
            text[capacity - 1] = 0;
        } else {
            ERR_error_string_n(code, text, capacity);
        }
    }
    return code;
}
static inline int anyway_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// --- TLS contexts and sessions ---

static inline int anyway_ctx_set_versions(SSL_CTX *ctx, int minimum, int maximum) {
    return SSL_CTX_set_min_proto_version(ctx, minimum)
        && SSL_CTX_set_max_proto_version(ctx, maximum);
}
static inline void anyway_ctx_set_modes(SSL_CTX *ctx) {
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                                 | SSL_OP_CIPHER_SERVER_PREFERENCE);
}
static inline void anyway_ctx_set_session_cache(SSL_CTX *ctx, int client) {
    SSL_CTX_set_session_cache_mode(
        ctx, client ? (SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL) : SSL_SESS_CACHE_OFF);
}
static inline int anyway_ctx_set_groups(SSL_CTX *ctx, const char *groups) {
    return (int)SSL_CTX_set1_groups_list(ctx, groups);
}
static inline int anyway_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int anyway_ssl_resumed(SSL *ssl) { return SSL_session_reused(ssl); }

// --- Certificates ---

// Counts the URI names in a certificate's subject alternative names and lends the first of them:
// copied into `text` with a closing zero. -1 when it does not fit or holds a zero byte.
static inline int anyway_certificate_uri(const X509 *certificate, char *text, size_t capacity) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names == NULL) return 0;
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) continue;
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        size_t length = (size_t)ASN1_STRING_length(uri);
        const unsigned char *bytes = ASN1_STRING_get0_data(uri);
        if (length >= capacity || memchr(bytes, 0, length) != NULL) { found = -1; break; }
        if (found == 0) { memcpy(text, bytes, length); text[length] = 0; }
        found++;
    }
    GENERAL_NAMES_free(names);
    return found;
}

// --- Keys, bytes and files ---

static inline EVP_PKEY *anyway_generate_p256(void) { return EVP_EC_gen("P-256"); }
static inline int anyway_bio_contents(BIO *bio, const char **bytes) {
    char *start = NULL;
    long length = BIO_get_mem_data(bio, &start);
    *bytes = start;
    return length > INT_MAX ? -1 : (int)length;
}

#endif
