"""What to write instead of a mistake in a policy: the value, the field, the line. For `loading`; `editing` knows fields by it."""
