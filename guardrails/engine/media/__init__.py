"""Pictures, films and sounds within a check: decodes them for detectors, and turns what they find into findings with boxes and
clips.
"""
