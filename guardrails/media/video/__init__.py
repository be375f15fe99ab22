"""Films: files go in, what they say of themselves, their subtitles and sound, and a `Film` to watch come out."""
