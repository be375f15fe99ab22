"""Models as the hub's libraries save them, run by ONNX Runtime or torch."""
