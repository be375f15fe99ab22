"""Numbers for a target: a rule and labelled rows go in, thresholds, a report and the rewritten file come out. For `cli`."""
