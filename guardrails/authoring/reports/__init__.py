"""Renders verdicts, figures and pictures as HTML pages that need nothing but themselves. For `authoring` and `cli`."""
