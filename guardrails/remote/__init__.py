"""Clients of services beside this process.

`endpoint.py`  where a service is and how it is asked, as the operator declares it
`breaker.py`   who is not asked for a while, after failing again and again
`form.py`      fields and files → the body of a form
`client.py`    one request: connections kept, tries, time-outs, limits
`loop.py`      the one event loop of the process on which all of that waits
"""
