"""The servers behind: which is asked for a model, how it is asked, and how each of them is."""
