"""How long the doors are knocked at, and how often it was done."""

from doors.door import knocked
from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile("doors", max_examples=6, deadline=None, derandomize=True, suppress_health_check=SLOW)
settings.register_profile("many", max_examples=400, deadline=None, suppress_health_check=SLOW)


def pytest_configure(config):
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("doors")


def pytest_terminal_summary(terminalreporter):
    if knocked:
        terminalreporter.write_line(f"{sum(knocked.values())} wrong values at {len(knocked)} doors")
