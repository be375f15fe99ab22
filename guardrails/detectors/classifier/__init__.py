"""Text classifiers: the shipped safety model, and any sequence classifier from a local folder or the hub."""
