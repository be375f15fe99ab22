-- One row for each record. `record` is the JSON text that its writer chained: `mac` is computed over it and over the row before.
-- `subject` (the user), `conversation` and `salt` can be erased; `record` holds commitments to them. `erased` proves that they were.
CREATE TABLE decisions (
  writer TEXT NOT NULL,
  seq BIGINT NOT NULL,
  id TEXT NOT NULL,
  time BIGINT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT,
  action TEXT,
  tenant TEXT,
  subject TEXT,
  conversation TEXT,
  request_id TEXT,
  record TEXT NOT NULL,
  mac BLOB NOT NULL,
  salt BLOB,
  erased BLOB,
  PRIMARY KEY (writer, seq)
);
CREATE INDEX decisions_time ON decisions (time);
CREATE INDEX decisions_id ON decisions (id);
CREATE INDEX decisions_subject ON decisions (subject, time);
CREATE INDEX decisions_conversation ON decisions (conversation, time);
CREATE INDEX decisions_request ON decisions (request_id);
CREATE INDEX decisions_tenant ON decisions (tenant, time);
-- How far the records of each writer are in `decisions`: changed in the same transaction, so that none comes twice or is left out.
CREATE TABLE writers (
  writer TEXT PRIMARY KEY,
  seq BIGINT NOT NULL,
  mac BLOB NOT NULL
);
-- Rows that retention removed, from `first` to `last`; the chain goes on from `last_mac`. Only who has the key can sign one.
CREATE TABLE removals (
  writer TEXT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_mac BLOB NOT NULL,
  signature BLOB NOT NULL,
  PRIMARY KEY (writer, first)
);
