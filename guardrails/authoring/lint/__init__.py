"""Lints policies: reports and fixes; the checks themselves stand in `policy.lints`. For `cli`."""
