"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# A busy machine is not a failure: how long an example takes decides nothing.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
