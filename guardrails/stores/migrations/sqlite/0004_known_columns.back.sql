DROP INDEX decisions_subject;
DROP INDEX decisions_conversation;
DROP INDEX decisions_request;
DROP INDEX decisions_tenant;
CREATE INDEX decisions_subject ON decisions (subject, time);
CREATE INDEX decisions_conversation ON decisions (conversation, time);
CREATE INDEX decisions_request ON decisions (request_id);
CREATE INDEX decisions_tenant ON decisions (tenant, time);
