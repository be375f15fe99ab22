"""Sounds: files go in, recordings that can be listened to, and their channels, come out."""
