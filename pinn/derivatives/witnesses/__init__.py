"""What the definition of a derivative is checked against: differences, symbols and elementary rules."""
