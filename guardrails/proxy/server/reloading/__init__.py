"""Policies and settings that change while a server serves: files go in, the next set of guards comes out, or why the old one
stays.
"""
