"""The parts of `proxy.py`: a scripted upstream, a load generator, bare pass-throughs, and how every server is started."""
