"""Media: bytes ⇄ pixels, under limits. Knows no detector and no policy.

outline    a file's bytes → what it is, how large, how many frames, without decoding any of it
decode     a file → pixels, as everybody who looks at it may see them
edit       a file, boxes → the same file with these covered, and nothing in it but pixels
workers    both of the above in a process that can be killed
picture    anything that is a picture → `Picture`: what all of the above is for
redact     a picture, boxes → the same kind of thing, covered
pdq        pixels → the perceptual hash of all their mirrored and turned forms
video      a film → `Film`: every frame of it looked at by a process that can be killed, its texts and its sound
recode     a film, edits → a new film: covered, cut, silent, and nothing in it but frames and sound
footage    frames that a program made → a `Film` like one of a file
audio      a file of sound → `Recording`: its samples, by a process that can be killed, its texts and its covers
hashlist   files of hashes → lists that are searched in milliseconds
"""
