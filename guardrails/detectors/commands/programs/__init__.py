"""Tables of programs: which leaves of `command.` a call of each is, and which calls it makes in turn. For `commands` alone."""
