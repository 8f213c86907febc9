-- The keys that access tokens are signed with; all replicas share them. A new one is published some
-- time before it signs and an old one some time after, so no verifier meets a key it has not seen.
CREATE TABLE signing_keys (
    -- RFC 7638 thumbprint of the public key.
    kid text PRIMARY KEY,
    -- PKCS #8, not encrypted at rest: whoever reads this database as its owner can already make
    -- accounts and sessions. Wrap it with a key from outside the database if that ever differs.
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When it stops signing; what it signed stays valid until it expires.
    not_after timestamptz NOT NULL CHECK (not_after > created_at)
);
