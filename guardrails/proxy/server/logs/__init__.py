"""What the server writes of requests and of itself, as text or JSON. Records and requests in, lines on standard error out, which
no request waits for. For `proxy` and the commands that serve.
"""
