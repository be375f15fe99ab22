"""Reads logs of what a policy decided and what another one would have decided. For `cli` and `authoring.diff`."""
