-- One row for each start of a job; no job has a second one but where a worker was killed.
CREATE TABLE attempts (
    order_id text NOT NULL REFERENCES orders,
    worker text NOT NULL,
    started timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE invoices (
    order_id text PRIMARY KEY REFERENCES orders,
    release text NOT NULL,
    worker text NOT NULL
);
