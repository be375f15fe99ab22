"""The fields of tests, in policies and in files beside them, and the checks of these fields."""
