"""What is asked of every page that is written."""

import re


def assert_self_contained(page: str) -> None:
    """Nothing is fetched from anywhere: every address in the page points into the page or holds its own data."""
    addresses = re.findall(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']([^"']*)""", page)
    addresses += re.findall(r"url\(([^)]*)\)", page)
    assert all(address.strip("'\"").startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert not re.search(r"<(script|link|iframe|img|object|embed|base)\b|@import", page)
