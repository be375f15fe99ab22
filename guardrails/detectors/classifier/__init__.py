"""Classifiers of texts: texts go in, a finding for each window and category comes out, by the shipped model or any other."""
