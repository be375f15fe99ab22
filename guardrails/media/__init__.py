"""Media: bytes ⇄ pixels and samples, under limits. Knows no detector and no policy.

images     a file → pixels as everybody who looks at it may see them (`Picture`), and the same file with boxes covered
video      a film → `Film`: every frame of it looked at by a process that can be killed, its texts and its sound
audio      a file of sound → `Recording`: its samples, by a process that can be killed, its texts and its covers
fragments  pieces of a film as a stream of them comes → the keyframes of each
rewrite    a film, edits → a new film: covered, cut, silent, and nothing in it but frames and sound
uploads    the file of a picture → what phones write behind its end
metadata   the file of a picture → the texts that stand beside its pixels, each with its place
hashes     pixels → the perceptual hash of all their mirrored and turned forms; files of hashes → lists of them
"""
