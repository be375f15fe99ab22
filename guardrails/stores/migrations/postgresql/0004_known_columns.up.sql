-- An index has no entry for a row that says nothing there: most rows know no tenant or no person, and each entry is paid for when it
-- is inserted. Who asks for a value finds it as before.
DROP INDEX decisions_subject;
DROP INDEX decisions_conversation;
DROP INDEX decisions_request;
DROP INDEX decisions_tenant;
CREATE INDEX decisions_subject ON decisions (subject, time) WHERE subject IS NOT NULL;
CREATE INDEX decisions_conversation ON decisions (conversation, time) WHERE conversation IS NOT NULL;
CREATE INDEX decisions_request ON decisions (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX decisions_tenant ON decisions (tenant, time) WHERE tenant IS NOT NULL;
