"""What is wrong with a configuration, as one error that the command line tells in one line."""


class ConfigurationError(ValueError):
    """Something in the configuration that no constructor would take; the message names the key."""
