"""A model that labels the words of a text: files → a session → a row of probabilities for each word piece."""
