"""Pipelines of diffusers, which make pictures, films and sounds: what goes in, what comes out, and the pipeline around both."""
