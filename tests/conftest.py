"""Its place puts this folder on the path, so that tests of every package find `oracles`."""

from hypothesis import settings

settings.register_profile("house", deadline=None)  # no test looks at a clock
settings.load_profile("house")
