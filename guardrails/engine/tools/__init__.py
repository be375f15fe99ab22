"""The use of tools: which tool each content belongs to, and what conditions may read of it (`tool.*`)."""
