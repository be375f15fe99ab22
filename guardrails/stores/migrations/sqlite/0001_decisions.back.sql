DROP TABLE removals;
DROP TABLE writers;
DROP TABLE decisions;
