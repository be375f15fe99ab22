"""Measures how well a policy tells labelled rows apart. For `cli` and `authoring.tune`."""
