"""What a pipeline looked for, as records say it."""
