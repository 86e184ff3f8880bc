"""The property-test kit: strategies, laws, an oracle, and checks of any Bayesian network, ours or the user's."""
