"""Pictures, films and sounds within a check: they go in undecoded, contents that detectors read and findings with boxes and
clips come out.
"""
