"""Knowledge as frozen values: estimates, variables, tables, networks, rules, advice, and the model file."""
