-- Requests that a person lets a call of a tool through. A request is never changed, but for its arguments (`key_id`, `nonce` and
-- `ciphertext`), which are encrypted and removed once somebody has decided or nobody can any more. How it stands follows from its
-- events: step 1 is a person's decision, step 2 that the call was let through, and there is one of each at most. Times are
-- microseconds since 1970; `mac` binds each row to the key of the records, so that none can be forged in the database.
CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  binding TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  record TEXT NOT NULL,
  mac BLOB NOT NULL,
  requester TEXT,
  key_id TEXT,
  nonce BLOB,
  ciphertext BLOB
);
CREATE INDEX approvals_binding ON approvals (binding, created);
CREATE INDEX approvals_expires ON approvals (expires);
CREATE INDEX approvals_requester ON approvals (requester);
CREATE TABLE approval_events (
  approval TEXT NOT NULL,
  step INTEGER NOT NULL,
  kind TEXT NOT NULL,
  time BIGINT NOT NULL,
  person TEXT NOT NULL,
  reason TEXT NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (approval, step)
);
