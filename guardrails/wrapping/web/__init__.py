"""What judges the requests of web applications before their functions run: a middleware for ASGI and for Django, and a dependency
for FastAPI.
"""
