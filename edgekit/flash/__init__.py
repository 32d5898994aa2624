"""A firmware image -> the flash memory of a board, verified."""
