"""Characters: tables of look-alikes and of classes of Unicode as patterns need them, those of words, lone surrogates."""
