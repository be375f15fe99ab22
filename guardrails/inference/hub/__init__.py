"""Models as the hub's libraries save them: a folder goes in, scores, answers or vectors come out, on ONNX Runtime or torch."""
