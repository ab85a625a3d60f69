from tests.study.fake_crew import study  # noqa: F401
