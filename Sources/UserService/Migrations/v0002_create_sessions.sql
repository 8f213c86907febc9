-- A session begins when somebody signs in. Its refresh tokens are one family: each is used once and
-- replaced by the next, and a token used twice ends them all.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- However often it is refreshed.
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_for text CHECK (revoked_for IN ('signed-out', 'replayed')),
    CHECK ((revoked_at IS NULL) = (revoked_for IS NULL))
);

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    -- SHA-256 of the token: who reads this table cannot sign in with it. The token is 256 random
    -- bits, so a fast hash without salt is enough.
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
