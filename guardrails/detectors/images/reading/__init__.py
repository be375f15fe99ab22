"""Reads letters in the pixels of one view: lines out, each with how sure it is and its corners. For `image_text`, and
for detectors that pick frames.

`ocr_lines.py`        what a line is, and which lines are the same
`ocr.py`              RapidOCR: the lines of one look, and the outlines of what it found and could not read
`reading_passes.py`   further looks at what a first one left unread, each only where there is a sign of it:
`faint_text.py`       what hardly differs from its ground
`turned_text.py`      mirrored, and on its head
`small_text.py`       on the plain ground of a large picture
`bent_text.py`        on an arc, a circle or a wave
`view_parts.py`       the parts of a view, and its ground
`distinct_frames.py`  which frames of many are worth it
"""
