"""The frames of a film: packets go in, samples to look at come out, with an account of all that was seen."""
