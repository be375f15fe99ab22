"""Opens films: what they say of themselves, their subtitles and sound, and a `Film` to watch."""
