// OpenSSL 3. Macros that Swift cannot import are restated here as inline functions.
#ifndef ANYWAY_COPENSSL_H
#define ANYWAY_COPENSSL_H
#include <limits.h>
#include <stdint.h>
#include <time.h>
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
    // One recv takes a record's header and its content; callers try before they wait anyway.
    SSL_CTX_set_read_ahead(ctx, 1);
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
static inline void anyway_ctx_on_server_name(SSL_CTX *ctx, int (*choose)(SSL *, int *, void *)) {
    SSL_CTX_set_tlsext_servername_callback(ctx, choose);
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

// A P-256 public key from its uncompressed point, which must lie on the curve.
static inline EVP_PKEY *anyway_p256_from_point(unsigned char *point, size_t length) {
    char group[] = "P-256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, length),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

// The uncompressed point of a P-256 key: 65 bytes, or 0 if the key is of another kind.
static inline size_t anyway_p256_point(const EVP_PKEY *key, unsigned char *point, size_t capacity) {
    char group[32] = {0};
    unsigned char x[32], y[32];
    BIGNUM *bx = NULL, *by = NULL;
    size_t written = 0;
    if (capacity >= 65 && EVP_PKEY_is_a(key, "EC")
        && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1
        && strcmp(group, "prime256v1") == 0
        && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &bx) == 1
        && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &by) == 1
        && BN_bn2binpad(bx, x, 32) == 32 && BN_bn2binpad(by, y, 32) == 32) {
        point[0] = 4;
        memcpy(point + 1, x, 32);
        memcpy(point + 33, y, 32);
        written = 65;
    }
    BN_free(bx);
    BN_free(by);
    return written;
}

// Never asks the terminal for a passphrase: an encrypted key is an error.
static inline int anyway_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer; (void)size; (void)writing; (void)context;
    return -1;
}
static inline EVP_PKEY *anyway_read_key_pem(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, anyway_no_passphrase, NULL);
}
static inline X509 *anyway_read_certificate_pem(BIO *bio) {
    return PEM_read_bio_X509(bio, NULL, anyway_no_passphrase, NULL);
}
static inline int anyway_write_key_pem(BIO *bio, const EVP_PKEY *key) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}
static inline int anyway_write_key_der(BIO *bio, const EVP_PKEY *key) {
    return i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL);
}

// When a certificate ends, in seconds since 1970; false when its date cannot be read.
static inline int anyway_certificate_end(const X509 *certificate, int64_t *seconds) {
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
    *seconds = (int64_t)timegm(&end);
    return 1;
}
// When the first of a context's own certificate and those it sends along ends, in seconds since 1970;
// false when it has none.
static inline int anyway_ctx_end(SSL_CTX *context, int64_t *seconds) {
    const X509 *own = SSL_CTX_get0_certificate(context);
    if (own == NULL || !anyway_certificate_end(own, seconds)) return 0;
    STACK_OF(X509) *chain = NULL;
    SSL_CTX_get0_chain_certs(context, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t end;
        if (anyway_certificate_end(sk_X509_value(chain, i), &end) && end < *seconds) *seconds = end;
    }
    return 1;
}

// Adds an extension, spelled as in openssl.cnf, to a certificate that `issuer` will sign.
static inline int anyway_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}
static inline int anyway_bio_contents(BIO *bio, const char **bytes) {
    char *start = NULL;
    long length = BIO_get_mem_data(bio, &start);
    *bytes = start;
    return length > INT_MAX ? -1 : (int)length;
}

#endif
