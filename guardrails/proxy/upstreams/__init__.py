"""The servers behind: a request goes in, the answer of the first that serves its model and can comes out."""
