"""A learned optimizer that sees inner products alone, so that it works in any dimension and in any coordinates."""
