"""What phones, cameras and people write into the files that they upload, beside the picture: parts behind its end. The bytes of a
file in, what is in them out; for `engine.media`.
"""
