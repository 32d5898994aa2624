"""What the numbers must be: TFLite Micro itself as the oracle, and our NumPy form of it."""
