-- What was looked for, once for all records that name it by its digest.
CREATE TABLE detections (
  digest TEXT PRIMARY KEY,
  profile TEXT NOT NULL
);
