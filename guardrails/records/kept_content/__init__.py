"""What was judged, where policy and operator have it kept: what was checked goes in, a row that only the
operator's key opens comes out.

* `content_form`: what of it is kept, as JSON.
* `content_keys`: the operator's keys, which encrypt and open.
* `content_keeper`: makes of the one the other, with its end.
* `sealed_content`: what comes out, as journals and the store have it.
* `content_table`: the rows in the store.

`records.content` reads them.
"""
