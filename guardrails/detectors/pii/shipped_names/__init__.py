"""Names, places and street addresses by the model that comes with the package (`guardrails/models/pii_names`)."""
