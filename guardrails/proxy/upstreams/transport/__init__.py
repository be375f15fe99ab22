"""How an upstream is reached: its key, its certificates and ours, the proxy between, and why it is not. Files and variables in,
contexts and causes out; for `proxy.upstreams`, its settings and what looks for their faults.
"""
