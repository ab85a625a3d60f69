from tests.discs import astronaut, disc_detector, model, video  # noqa: F401
