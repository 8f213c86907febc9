-- The catalog. Stock lives in its own narrow table, so a sale never rewrites a product row or its
-- search index.
CREATE TABLE products (
    id uuid PRIMARY KEY,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    brand text NOT NULL CHECK (char_length(brand) BETWEEN 1 AND 80),
    -- A path such as 'Audio > Headphones > Sport Headphones'. "C" makes "everything below" a plain
    -- byte range of the index, whatever the database's collation is.
    category text COLLATE "C" NOT NULL CHECK (char_length(category) BETWEEN 1 AND 300),
    price_cents bigint NOT NULL CHECK (price_cents BETWEEN 1 AND 100000000),
    description text NOT NULL CHECK (char_length(description) <= 4000),
    attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Withdrawn products keep their row: orders, reservations and the stock ledger point at it.
    withdrawn_at timestamptz,
    search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('english', brand), 'A')
        || setweight(to_tsvector('english', category), 'B')
        || setweight(to_tsvector('english', description), 'C')
        || setweight(to_tsvector('english', attributes), 'D')
    ) STORED
);

CREATE INDEX products_search ON products USING gin (search) WHERE withdrawn_at IS NULL;

-- One index per order a page can be asked in; `id` is a UUIDv7, so its own order is "newest".
CREATE INDEX products_by_price ON products (price_cents, id) WHERE withdrawn_at IS NULL;
CREATE INDEX products_by_category ON products (category, id) WHERE withdrawn_at IS NULL;
CREATE INDEX products_by_brand ON products (brand, price_cents, id) WHERE withdrawn_at IS NULL;

-- Which built-in catalogs were loaded. Inserting the row is the lock: replicas that start together
-- wait for the first one's transaction and then find nothing left to do.
CREATE TABLE catalog_seeds (
    name text PRIMARY KEY,
    seeded_at timestamptz NOT NULL DEFAULT now()
);
