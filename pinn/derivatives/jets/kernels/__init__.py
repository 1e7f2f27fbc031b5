"""The products and compositions that jets spend their time in."""
