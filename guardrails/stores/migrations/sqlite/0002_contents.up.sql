-- What was judged, encrypted, where policy and operator have it kept. The record commits to it, and stays when it is removed: when it
-- has expired (`expires`, in microseconds since 1970), with its record, or with the person. `key_id` names the operator's key.
CREATE TABLE contents (
  writer TEXT NOT NULL,
  seq BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  nonce BLOB NOT NULL,
  ciphertext BLOB NOT NULL,
  PRIMARY KEY (writer, seq)
);
CREATE INDEX contents_expires ON contents (expires);
