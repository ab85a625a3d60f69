"""No test depends on how busy the machine is."""

from hypothesis import settings

settings.register_profile("edgefkp", deadline=None)
settings.load_profile("edgefkp")
