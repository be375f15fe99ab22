"""The shipped classifier of texts: calibrated scores of windows by a linear tier and an encoder."""
