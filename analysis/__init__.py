"""Networks and runs, measured and drawn: modularity, decomposition, statistics, figures."""
