"""Other people's networks: where their activations are, and which of their units are dead."""
