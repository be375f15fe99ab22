"""Approvals of tool calls: requests go in from checks, decisions from people, and each approved call passes once.

Stands beside the records of decisions, in their database and under their key. `Guard`, `guardrails review` and servers import it.

pending_call    what a person is shown of a call, encrypted as long as it waits
approval_store  the rows: requests, decisions and uses, each bound to the key
approval_gate   what the engine asks while it judges
decision_record what somebody decided, in the chain of the records
shared_store    the store as a process shares it
approvals       what people and programs list, decide and wait for
"""
