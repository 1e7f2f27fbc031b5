"""From the command line to a call: overrides, the configuration as a call written down, a run's folder."""
