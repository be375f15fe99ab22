"""Links: texts go in, findings of `url.*` with the link as the span come out, by lists of hosts or by the link's form."""
