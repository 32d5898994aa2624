"""Model files -> Graph, and back. One file format: .tflite."""
