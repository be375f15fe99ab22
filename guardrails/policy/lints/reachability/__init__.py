"""Whether rules can fire: conditions and what detectors may find go in, the answer comes out."""
