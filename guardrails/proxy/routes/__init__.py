"""The APIs that are served, each as a table of its routes: Anthropic's, Google's, Ollama's and our own."""
