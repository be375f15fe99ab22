"""How each upstream is: as far as its last answers tell, by asking it, and what operators read of it in the log. Answers and
exceptions in, up or down out; for `proxy.upstreams` alone.
"""
