"""The journal of records: files that a process appends to, and their way into the store. Encoded records go in, rows come out.

* `journal.Journal`: the files of one process.
* `mover.Mover`: takes records out of these files, and those of killed processes, into the store, each exactly once.
* `upkeep.Upkeep`: what a process does beside its work: moves, signs heads, removes what is too old.
"""
