"""HTML that needs nothing but itself: verdicts, figures and pictures go in, pages with charts, timelines and contact sheets
come out. For `authoring` and `cli`.
"""
