"""The rivals' side of the lexical benchmark.

`environments` makes a virtual environment per rival, `job` is what their scripts share, `*_lexical` are
the scripts (each runs inside its rival's environment, corpus on stdin, a JSON line for each way on
stdout) and `harness` runs them. `*_streaming` are the scripts of the streaming benchmark, `stream_play` and
`stream_job` what they share, `stream_harness` runs them.
"""
