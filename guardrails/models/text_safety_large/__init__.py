"""The files of the model text-safety-large, which `guardrails-middleware` reads where this package is installed."""
