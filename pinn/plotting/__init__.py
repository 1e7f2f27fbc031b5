"""Pictures of solutions, runs and derivatives."""
