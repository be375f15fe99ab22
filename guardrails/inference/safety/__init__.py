"""The shipped classifier of texts: windows of a text go in, calibrated scores come out, by a linear tier and an encoder."""
