"""Inference: weights → scores. Knows no content, no category's meaning and no policy.

passages   a text → the stretches that no continuation can change, which windows are made of
windows    a text → the windows of a model's tokens that cover it, with their spans
Session    rows of tokens → scores; ONNX Runtime on single threads
Pool       the process's cores, shared by all who run a session
Batcher    rows of all callers in batches, for a device that runs many at the cost of a few
Memory     the rows judged last, so that none is run twice
Hashed     folded texts → the scores of the linear model, in well under a millisecond
Model      a folder of weights, checked, ready and shared: everything above together
"""
