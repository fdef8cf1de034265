"""What a network is: layered networks as batches of arrays, their evaluation, graphs and connection cost."""
