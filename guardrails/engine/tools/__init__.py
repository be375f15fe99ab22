"""The use of tools: calls, results and definitions go in, what conditions may read of them (`tool.*`) comes out."""
