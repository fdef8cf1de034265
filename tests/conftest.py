"""Its place puts this folder on the path, so that tests of every package find `oracles`."""
