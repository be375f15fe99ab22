"""What a body holds to judge: values of any known shape go in, a tree of contents comes out, and edits go back into the same
shape.
"""
