"""A policy beside the one that is served: contents go in, both decisions are counted and logged."""
