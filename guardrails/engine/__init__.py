"""The engine: judges contents under a compiled policy, and says what is left to use. Its packages:

* `values`: what there is to judge in values of Python types, and new values written back into the same type.
* `content`: the content tree of a body, made by the field table of its API or of any value.
* `core`: `pipeline.Pipeline` runs detectors over contents (tiers, deadline, cache, fail closed) and evaluates rules.
* `streaming`: the same for texts that grow.
* `redaction`: new texts and media for what rules redact, and values put back into replies.
* `formats`: texts in a wrong format, repaired.
* `tools`: what conditions may read of calls and results.
* `media`: pictures, films and sounds as contents that detectors can look at.
"""
