CREATE TABLE users (
    id uuid PRIMARY KEY,
    -- As its owner spells it, for sending mail.
    email text NOT NULL,
    -- In lower case, for finding and for being unique; made by the service, which admits ASCII only.
    email_key text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
    -- A PHC string; never leaves the service.
    password_hash text NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    role text NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'admin')),
    preferences jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(preferences) = 'object'),
    -- Counts changes; the entity tag of the profile.
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
