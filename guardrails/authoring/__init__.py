"""What policy editors use, as a library: `suite` runs the tests that stand beside a policy's rules."""
