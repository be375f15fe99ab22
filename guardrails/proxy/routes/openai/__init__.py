"""OpenAI's API and Azure's form of it, each route as a table."""
