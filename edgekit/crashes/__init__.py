"""What a board printed as it crashed, and its ELF -> function, line, operator, likely cause."""
