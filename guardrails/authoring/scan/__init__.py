"""Scans folders into files of verdicts, and makes the lists and indexes that detectors compare with. For `cli`."""
