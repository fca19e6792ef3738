CREATE TABLE orders (
    id text PRIMARY KEY,
    release text NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
