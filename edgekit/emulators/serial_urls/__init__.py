"""pyserial looks here for `protocol_<name>` once this package is in its list of handlers."""
