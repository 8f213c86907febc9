"""Access tokens as the user service issues them, signed by OpenSSL's own library (ES256, RFC 7518)."""

import base64
import ctypes
import ctypes.util
import json
import pathlib
import subprocess
import time
import uuid

ISSUER = "https://anyway.local/user"
AUDIENCE = "anyway"
KEY_NAME = "bench"


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A fresh P-256 key; its public half is written as PEM, and as a JWK Set."""

    def __init__(self, home):
        private, self.public = home / "token.key", home / "token.pub"
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", private], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", self.public],
                       check=True)
        der = subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        # The last 64 bytes of a P-256 SubjectPublicKeyInfo are the point's coordinates.
        x, y = der[-64:-32], der[-32:]
        self.key_set = json.dumps({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_NAME,
            "x": url64(x), "y": url64(y)}]}, separators=(",", ":"))
        self.crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
        self.key = self._read(pathlib.Path(private).read_bytes())
        self.header = url64(json.dumps(
            {"alg": "ES256", "typ": "at+jwt", "kid": KEY_NAME}, separators=(",", ":")).encode())

    def _read(self, pem):
        crypto = self.crypto
        crypto.BIO_new_mem_buf.restype = ctypes.c_void_p
        crypto.PEM_read_bio_PrivateKey.restype = ctypes.c_void_p
        crypto.EVP_MD_CTX_new.restype = ctypes.c_void_p
        crypto.EVP_sha256.restype = ctypes.c_void_p
        source = crypto.BIO_new_mem_buf(pem, len(pem))
        return crypto.PEM_read_bio_PrivateKey(ctypes.c_void_p(source), None, None, None)

    def _sign(self, data):
        crypto = self.crypto
        context = ctypes.c_void_p(crypto.EVP_MD_CTX_new())
        crypto.EVP_DigestSignInit(context, None, ctypes.c_void_p(crypto.EVP_sha256()), None,
                                  ctypes.c_void_p(self.key))
        length = ctypes.c_size_t(128)
        output = ctypes.create_string_buffer(128)
        done = crypto.EVP_DigestSign(context, output, ctypes.byref(length), data,
                                     ctypes.c_size_t(len(data)))
        crypto.EVP_MD_CTX_free(context)
        if done != 1:
            raise RuntimeError("OpenSSL did not sign")
        return self._raw(output.raw[:length.value])

    @staticmethod
    def _raw(der):
        """The two numbers of an ECDSA signature in 32 bytes each, as RFC 7518 section 3.4 wants them."""
        first = 4 + der[3]
        r, s = der[4:first], der[first + 2:]
        return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (r, s))

    def tokens(self, count):
        """So many tokens, each of another user, valid for an hour."""
        now = int(time.time())
        for _ in range(count):
            claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid.uuid4()),
                      "sid": str(uuid.uuid4()), "jti": str(uuid.uuid4()), "role": "customer",
                      "iat": now, "nbf": now, "exp": now + 3600}
            text = self.header + "." + url64(json.dumps(claims, separators=(",", ":")).encode())
            yield text + "." + url64(self._sign(text.encode()))
