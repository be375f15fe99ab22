"""Wire formats: each is read and written in one place, strictly, so that two parsers never read two requests (DESIGN §4.4).

Knows no API, no policy and no content; every package above may import it.

strict_json    bytes or text → JSON values, or an error that names the place; and back
lossless_json  numbers that are written as they were read, and the writer of JSON
pointers       a path into a JSON value ⇄ JSON Pointer
sse            server-sent events: bytes ⇄ events, however they are cut
ndjson         lines of JSON: bytes → the data of each line; events → lines
forms          multipart/form-data: bytes ⇄ fields
program_names  tells what may be a name that a program gives, and no words of people
"""
