"""Records: every decision can be found again. A verdict goes in; a row that nobody can change unseen comes out.

* `decision_log.DecisionLog`: what a guard or a server writes to. A record is in its journal before the answer leaves.
* `decision`: the record of one verdict, without any text of what was judged.
* `content`: reads what was judged, where policy and operator have it kept; `kept_content` encrypts it.
* `chain`: the chain of HMACs over the records of a writer, commitments to people, signed heads.
* `journal`: files to which processes append, and what moves them into the store, each record exactly once.
* `decision_store`: the store's rows: inserted, queried, removed by retention, with a person erased.
* `query`, `export`: records by columns, conditions over these, files of them; `erasure` of a person.
* `verification`: finds rows that were altered, removed, exchanged or cut off.

Guards and commands import this; it knows no policy and no server.
"""
