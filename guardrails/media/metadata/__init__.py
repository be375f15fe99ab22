"""Reads the texts that stand in a picture's file beside the picture: EXIF, XMP, IPTC, comments, chunks. Bytes in, texts out."""
