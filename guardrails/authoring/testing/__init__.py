"""Runs the tests beside a policy's rules: results, coverage and JUnit's XML. For `cli` and `authoring.lint`."""
