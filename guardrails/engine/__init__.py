"""The engine: contents and a compiled policy in, an outcome out. The primitives of this floor:

* `fields`, `chat`: a body in, leaves to judge out, and edits of leaves back into the body.
* `pipeline.Pipeline`: runs detectors over leaves (tiers, deadline, cache, fail closed) and evaluates.
* `evaluate`: rules and findings in, what fires out; a pure function.
* `actions`: what fired → edits of texts.
* `workers`: the process's pool of threads for work that may take long.
"""
