// OpenSSL frees what it holds when a process calls exit, while other threads still use it or end,
// which frees their part once more: a process that has done its work ends with a segmentation fault.
// The kernel frees everything anyway. Whoever uses OpenSSL first decides, and that may be libpq, so
// this runs before main. See OPENSSL_init_crypto(3), OPENSSL_INIT_NO_ATEXIT.
#include <openssl/crypto.h>

__attribute__((constructor)) static void anyway_keep_openssl(void) {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
