DROP TABLE approval_events;
DROP TABLE approvals;
