"""Textbook functions with their derivatives, reverse mode written out by hand, tangents."""
