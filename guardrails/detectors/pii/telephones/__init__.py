"""Telephone numbers: tables of countries and of words in, rows of the table of personal data out (`telephone_rows.py`)."""
