"""Distil, prune and train with quantisation in the loop (Keras 3; extra `keras`)."""
