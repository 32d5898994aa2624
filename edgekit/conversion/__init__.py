"""A trained model -> a full-integer .tflite that TensorFlow Lite Micro runs."""
