"""Values of Python types: finds what there is to judge in one, and writes what was changed back into the same type."""
