// OpenSSL 3. Macros that Swift cannot import are restated here as inline functions.
#ifndef ANYWAY_COPENSSL_H
#define ANYWAY_COPENSSL_H
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#endif
