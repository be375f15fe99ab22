"""Many files at a time: folders go in, a file of verdicts comes out; and the lists and indexes that detectors compare with. For
`cli`.
"""
