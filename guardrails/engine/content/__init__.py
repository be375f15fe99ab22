"""Contents of a body: reads values of any known shape into a tree of contents, and applies edits to the same shape."""
