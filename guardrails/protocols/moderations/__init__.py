"""OpenAI's moderations API: what is asked, and a result from a verdict."""
