"""What commands and code in a tool call would do: the shell is parsed, words are expanded, capabilities come out. For `kinds`."""
