"""Lists of words and phrases: texts go in, exact spans come out, whatever the length of the list; streamed likewise."""
